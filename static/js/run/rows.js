/** The list view: rows found by `data-task-row`, kept up to date, and filtered by state without a request. */
import { figureAt, WORDS } from "../canvas/states.js";
import { wear } from "./facts.js";

function rowOf(key) {
  return document.querySelector(`[data-task-row="${CSS.escape(key)}"]`);
}

/**
 * @param {import("../canvas/types.js").Node} task as the model holds it after the change
 * @param {string} [line] the server's own words for the second line
 */
export function updateRow(task, line) {
  const row = rowOf(task.key);
  if (!row) return;
  const word = task.word ?? WORDS[task.state];
  row.dataset.state = task.state;
  row.className = row.className.replace(/\bs-\w+/, `s-${task.state}`);
  const blob = row.querySelector(".blob");
  if (blob) wear(blob, task.state, "", task.glyph);
  const second = row.querySelector("[data-row-line]");
  if (second) second.textContent = line ?? (task.agent ? `${word}, ${task.agent}` : word);
  tickRow(task);
  filterRow(row);
}

/** @param {import("../canvas/types.js").Node} task */
export function tickRow(task) {
  const figure = rowOf(task.key)?.querySelector("[data-row-figure]");
  if (figure) figure.textContent = (task.until ? "in " : "") + figureAt(task, Date.now());
}

let wanted = "";

function filterRow(row) {
  row.hidden = wanted !== "" && row.dataset.state !== wanted;
}

export function startFilter() {
  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-filter]");
    if (!chip) return;
    event.preventDefault();
    wanted = chip.dataset.filter;
    for (const other of document.querySelectorAll("[data-filter]")) {
      other.classList.toggle("chip-on", other === chip);
      if (other === chip) other.setAttribute("aria-current", "true");
      else other.removeAttribute("aria-current");
    }
    for (const row of document.querySelectorAll("[data-task-row]")) filterRow(row);
  });
}

/** Marks the row of the open task. */
export function markRow(key) {
  for (const link of document.querySelectorAll("[data-task-row] [data-open-task]")) {
    if (link.dataset.openTask === key) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}
