/** What the text of a control would give with the values of the last run, below it while it is typed in; or what is wrong, and where. */
import { isTemplate } from "./fields.js";

const PAUSE = 250; // ms after the last key

/** @param {HTMLElement} element @param {{task: () => string|null}} options */
export function createResults(element, options) {
  const waiting = { timer: 0, control: null, asked: null };
  const soon = (control) => {
    clearTimeout(waiting.timer);
    waiting.control = control;
    waiting.timer = setTimeout(() => look(element, options, waiting, control), PAUSE);
  };
  return {
    soon,
    /** After the panel was renewed: the names that were wrong may be right now. */
    settle() {
      if (waiting.control?.isConnected) soon(waiting.control);
    },
    mend,
    destroy() {
      clearTimeout(waiting.timer);
      waiting.asked?.abort();
    },
  };
}

/** How the text is to be read; "" where there is nothing to work out. */
function kindOf(control) {
  const { expression } = control.dataset;
  const text = control.value;
  if (expression === "expression") return text.trim() ? "expression" : "";
  if (!text.includes("{{")) return "";
  if (expression === "template" || isTemplate(text)) return "template";
  try {
    JSON.parse(text);
    return "json";
  } catch {
    return ""; // said when the field is left
  }
}

async function look(element, options, waiting, control) {
  const place = noteOf(control);
  const task = options.task();
  const { evaluate } = element.querySelector(".inspect")?.dataset ?? {};
  const kind = kindOf(control);
  if (!place || !evaluate || task === null) return;
  if (!kind) {
    place.hidden = true;
    return;
  }
  waiting.asked?.abort();
  waiting.asked = new AbortController();
  const text = control.value;
  const body = new URLSearchParams({ task, text, kind, path: control.dataset.path ?? "[]" });
  const request = { method: "POST", body, headers: { "X-CSRFToken": token(), Accept: "application/json" }, signal: waiting.asked.signal };
  const reply = await fetch(evaluate, request).catch(() => null);
  const found = reply?.ok ? await reply.json().catch(() => null) : null;
  if (found && control.value === text) show(place, control, found);
}

function noteOf(control) {
  return (control.closest(".member") ?? control.closest(".field"))?.querySelector("[data-result]");
}

function token() {
  return JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
}

function show(place, control, found) {
  place.hidden = false;
  place.classList.toggle("is-wrong", !found.ok);
  place.replaceChildren(...(found.ok ? saidOf(found) : faultOf(control, found)));
}

function saidOf({ value, why, run }) {
  if (why) return [why];
  const code = document.createElement("code");
  code.textContent = value;
  return ["= ", code, run ? ` in run #${run}` : ""];
}

function faultOf(control, { error, position, wrong, hint }) {
  const parts = [error];
  if (position !== undefined) parts.unshift(`Column ${position + 1}: `);
  const at = wrong && hint ? control.value.indexOf(wrong, position ?? 0) : -1;
  if (at >= 0) parts.push(" ", fixOf(`Change to ${hint}`, at, at + wrong.length, hint));
  return parts;
}

function fixOf(words, start, end, text) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "link-button", textContent: words });
  Object.assign(button.dataset, { mend: text, start, end });
  return button;
}

function mend(event) {
  const button = event.target.closest("[data-mend]");
  if (!button) return;
  const { mend: text, start, end } = button.dataset;
  const control = button.closest(".member, .field").querySelector("[data-expression]");
  write(control, Number(start), Number(end), text);
}

/** As if it had been typed, so that the browser can undo it. */
export function write(control, start, end, text) {
  control.focus();
  control.setSelectionRange(start, end);
  if (document.execCommand("insertText", false, text)) return;
  control.setRangeText(text, start, end, "end");
  control.dispatchEvent(new Event("input", { bubbles: true }));
}
