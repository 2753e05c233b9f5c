/** One list to search and pick from: steps to add, steps to find, commands. A native dialog with a combobox; the keys never leave the field. */
import { symbol } from "../canvas/dom.js";

/**
 * @typedef {{id: string, label: string, note?: string, icon?: string, keys?: string, words?: string}} Item
 *
 * @param {{title: string, placeholder: string, items: Item[], empty?: string, typed?: (text: string) => Item[]}} what `typed` may offer more for what was typed
 * @returns {Promise<{item: Item, text: string}|null>} null when it was left
 */
export function pick({ title, placeholder, items, empty = "Nothing is called that.", typed = () => [] }) {
  const dialog = document.getElementById("picker");
  const field = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  const nothing = dialog.querySelector("[data-picker-empty]");
  dialog.querySelector("[data-picker-title]").textContent = title;
  field.placeholder = placeholder;
  field.value = "";
  nothing.textContent = empty;
  let shown = [];
  let active = 0;

  const fill = () => {
    shown = [...matching(items, field.value), ...typed(field.value.trim())];
    active = 0;
    list.replaceChildren(...shown.slice(0, 100).map(option));
    nothing.hidden = shown.length > 0;
    light();
  };
  const light = () => {
    [...list.children].forEach((one, i) => one.setAttribute("aria-selected", String(i === active)));
    const now = list.children[active];
    field.setAttribute("aria-activedescendant", now?.id ?? "");
    now?.scrollIntoView({ block: "nearest" });
  };
  const back = document.activeElement;
  return new Promise((resolve) => {
    const stop = new AbortController();
    const { signal } = stop;
    const settle = (answer) => {
      stop.abort();
      if (dialog.open) dialog.close();
      back?.focus?.({ preventScroll: true });
      resolve(answer);
    };
    field.addEventListener("input", fill, { signal });
    field.addEventListener("keydown", (event) => {
      const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
      if (event.key in steps) {
        active = Math.min(Math.max(0, active + steps[event.key]), list.children.length - 1);
        light();
      } else if (event.key === "Enter") {
        if (shown[active]) settle({ item: shown[active], text: field.value.trim() });
      } else return;
      event.preventDefault();
    }, { signal });
    list.addEventListener("click", (event) => {
      const at = [...list.children].indexOf(event.target.closest("[role=option]"));
      if (at >= 0) settle({ item: shown[at], text: field.value.trim() });
    }, { signal });
    // That the list before this one has closed is told only now.
    dialog.addEventListener("close", () => dialog.open || settle(null), { signal });
    fill();
    dialog.showModal();
    field.focus();
  });
}

function option(item, at) {
  const row = document.createElement("li");
  row.id = `picker-option-${at}`;
  row.setAttribute("role", "option");
  if (item.icon) row.append(drawnIcon(item.icon));
  const words = document.createElement("span");
  words.className = "spring cut";
  words.textContent = item.label;
  row.append(words);
  for (const [text, tag] of [[item.note, "small"], [item.keys, "kbd"]]) {
    if (!text) continue;
    const more = document.createElement(tag);
    more.textContent = text;
    if (tag === "small") more.className = "muted cut";
    row.append(more);
  }
  return row;
}

function drawnIcon(id) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("class", "ic");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", symbol(id));
  picture.append(use);
  return picture;
}

/** Those that hold every word of the text; those that begin with it come first. */
function matching(items, text) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  const said = (item) => `${item.label} ${item.note ?? ""} ${item.words ?? ""}`.toLowerCase();
  const found = items.filter((item) => wanted.every((word) => said(item).includes(word)));
  const first = (item) => (wanted.length && item.label.toLowerCase().startsWith(wanted[0]) ? 0 : 1);
  return wanted.length ? found.sort((a, b) => first(a) - first(b)) : found;
}
