/** Keys of the whole page. Single keys can be switched off, and never fire while something is being typed. */
import { open } from "./dialog.js";
import { recall, remember } from "./store.js";

/** @type {Map<string, () => void>} */
const page = new Map();

/** A key of this page, such as "f" for the next failed task. Upper and lower case are the same. */
export function onKey(key, action) {
  page.set(key.toLowerCase(), action);
}

export function singleKeysOn() {
  return recall("single-keys") !== "off";
}

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") focusSearch(event);
    else if (isSingle(event)) press(event);
  });
  for (const box of document.querySelectorAll("[data-keys-switch]")) {
    box.checked = singleKeysOn();
    box.addEventListener("change", () => remember("single-keys", box.checked ? null : "off"));
  }
}

function focusSearch(event) {
  const search = document.querySelector("[data-search]");
  if (!search || !search.checkVisibility?.()) return;
  event.preventDefault();
  search.focus();
  search.select();
}

function isSingle(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !singleKeysOn()) return false;
  const typing = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";
  return !event.target.closest(typing) && !document.querySelector("dialog[open]");
}

function press(event) {
  const action = event.key === "?" ? () => open("keys-dialog") : page.get(event.key.toLowerCase());
  if (!action) return;
  event.preventDefault();
  action();
}
