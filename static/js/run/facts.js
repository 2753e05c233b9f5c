/**
 * The figures of the run page that move: elements with `data-live="status|elapsed|settled|progress|waiting"`, the legend's
 * `data-legend="<state>"`, and the list's `data-filter="<state>"`.
 */
import { symbol } from "../canvas/dom.js";
import { isSettled } from "../canvas/states.js";
import { clock } from "../times.js";

/** @type {Record<string, [import("../canvas/types.js").State, string]>} */
const STATUS = {
  created: ["queued", "Created"],
  running: ["running", "Running"],
  paused: ["paused", "Paused"],
  completed: ["success", "Completed"],
  failed: ["failed", "Failed"],
  cancelled: ["cancelled", "Cancelled"],
  rolling_back: ["rolledback", "Rolling back"],
};
const WEIGHT = ["success", "skipped", "cancelled", "rolledback", "queued", "paused", "running", "waiting", "retrying", "failed"];
const MOST_PIECES = 40;

/** @param {string} status */
export function isOver(status) {
  return status === "completed" || status === "failed" || status === "cancelled";
}

function each(name, change) {
  for (const element of document.querySelectorAll(`[data-live="${name}"]`)) change(element);
}

/** Puts another state on a badge, blob or row: class, glyph, word. */
export function wear(element, state, word, glyph) {
  element.className = element.className.replace(/\bs-\w+/, `s-${state}`);
  const drawn = element.querySelector("svg.gl");
  drawn?.querySelector("use").setAttribute("href", symbol(glyph ?? `g-${state}`));
  drawn?.classList.toggle("gl-turn", state === "running");
  const said = element.querySelector("span");
  if (said && word) said.textContent = word;
}

/** @param {string} status */
export function showStatus(status) {
  const [state, word] = STATUS[status] ?? ["queued", status];
  each("status", (element) => wear(element, state, word));
  return word;
}

/** @param {string} started @param {string|null} ended */
export function showElapsed(started, ended) {
  const seconds = ((ended ? Date.parse(ended) : Date.now()) - Date.parse(started)) / 1000;
  each("elapsed", (element) => {
    element.textContent = clock(seconds);
  });
}

/** What follows from the tasks alone: settled, progress, whom it waits for. */
export function showTasks(model) {
  const tasks = model.order.map((key) => model.nodes.get(key));
  const settled = tasks.filter((task) => isSettled(task.state)).length;
  each("settled", (element) => {
    element.textContent = `${settled} of ${tasks.length}`;
  });
  each("waiting", (element) => {
    element.textContent = waitingOn(tasks) || "Nobody";
  });
  each("progress", (element) => element.replaceChildren(...bundles(tasks).map(piece)));
}

function waitingOn(tasks) {
  const waiting = tasks.filter((task) => task.state === "waiting");
  return [...new Set(waiting.map((task) => task.figure || task.name))].slice(0, 3).join(", ");
}

/** At most forty pieces; each shows the weightiest state of the tasks it stands for. */
export function bundles(tasks) {
  const size = Math.max(1, Math.ceil(tasks.length / MOST_PIECES));
  const states = [];
  for (let i = 0; i < tasks.length; i += size) {
    const some = tasks.slice(i, i + size).map((task) => task.state ?? "queued");
    states.push(some.reduce((a, b) => (WEIGHT.indexOf(b) > WEIGHT.indexOf(a) ? b : a)));
  }
  return states;
}

function piece(state) {
  const element = document.createElement("i");
  element.className = `s-${state}`;
  return element;
}

/** @param {Record<string, number>} counts by state; a state that is missing has none */
export function showCounts(counts) {
  for (const entry of document.querySelectorAll("[data-legend], [data-filter]")) {
    const state = entry.dataset.legend ?? entry.dataset.filter;
    if (!state) continue;
    const count = counts[state] ?? 0;
    entry.dataset.count = String(count);
    const figure = entry.querySelector("b");
    if (figure) figure.textContent = String(count);
  }
}

/** Counts by state, when a message brings none. */
export function countsOf(model) {
  const counts = {};
  for (const key of model.order) {
    const { state } = model.nodes.get(key);
    if (state) counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}
