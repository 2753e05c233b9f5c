/**
 * The figures of the run page that move: elements with `data-live="status|elapsed|settled|progress|waiting"`, the legend's
 * `data-legend="<state>"`, and the list's `data-filter="<state>"`.
 */
import { symbol } from "../canvas/dom.js";
import { clock } from "../times.js";

const ENDED = new Set(["completed", "failed", "cancelled"]);
const WEIGHT = ["cancelled", "skipped", "rolledback", "success", "queued", "paused", "running", "retrying", "waiting", "failed"];
const MOST_PIECES = 40;

/** @param {string} status */
export function isOver(status) {
  return ENDED.has(status);
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

/**
 * The header as the server tells it with every message.
 * @param {{state: import("../canvas/types.js").State, word: string, settled: number, total: number, waiting: string}} facts
 */
export function showFacts(facts) {
  each("status", (element) => wear(element, facts.state, facts.word));
  each("settled", (element) => {
    element.textContent = `${facts.settled} of ${facts.total}`;
  });
  each("waiting", (element) => {
    element.textContent = facts.waiting || "Nobody";
  });
}

/** @param {string} since ISO time @param {string|null} finished ISO time */
export function showElapsed(since, finished) {
  const seconds = ((finished ? Date.parse(finished) : Date.now()) - Date.parse(since)) / 1000;
  each("elapsed", (element) => {
    element.textContent = clock(seconds);
  });
}

/** @param {import("../canvas/types.js").Node[]} tasks in definition order */
export function showProgress(tasks) {
  each("progress", (element) => element.replaceChildren(...bundles(tasks).map(piece)));
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
