/**
 * The bars of a timeline: one for each try of a task and each stretch of waiting, in lanes by who was busy. The page brings
 * them from the server; live events add to them by the same rules (orchestrator/reads/timeline.py).
 *
 * @typedef {object} Bar
 * @property {string} key of the task
 * @property {number} [index] of an item, from 0; -1 for the task itself
 * @property {string} label
 * @property {string} lane an agent's name, "System" or "People"
 * @property {import("../canvas/types.js").State} state
 * @property {string} start ISO time
 * @property {string|null} [end] ISO time, null while it goes on
 *
 * @typedef {{t: string, seq: number, task?: string, index?: number, at: string, state?: string, lane?: string, label?: string}} RunEvent
 */

const OPENS = new Set(["task.started", "task.waiting", "approval.required"]);
const ENDS = {
  "task.completed": "success",
  "task.failed": "failed",
  "task.retrying": "failed",
  "task.skipped": "skipped",
  "task.cancelled": "cancelled",
  "task.ready": "failed",
  "task.reset": "cancelled",
};
const SYSTEM = "System";
const PEOPLE = "People";
const LAST = [SYSTEM, PEOPLE];
const MOST_ROWS = 8;

/**
 * Adds what a live event says: the open bar of that task ends, another begins, or both.
 * @param {Bar[]} bars changed in place
 * @param {RunEvent} event it names the lane and the label of a bar that begins with it
 */
export function takeEvent(bars, event) {
  const opens = OPENS.has(event.t);
  if (!event.task || !(opens || event.t in ENDS)) return;
  const index = event.index ?? -1;
  const open = bars.findLast((bar) => bar.key === event.task && (bar.index ?? -1) === index && !bar.end);
  if (open) {
    open.end = event.at;
    open.state = endOf(open, event, opens);
  }
  if (opens) bars.push(barOf(event, index, event.state === "running" ? "running" : "waiting", null));
  else if (!open && event.t === "task.completed") bars.push({ ...barOf(event, index, "success", event.at), lane: SYSTEM });
}

/** Work that leaves its task with a person has failed; a wait that ends in readiness was met. */
function endOf(open, event, opens) {
  if (opens) return event.t === "task.waiting" && event.lane === PEOPLE ? "failed" : "success";
  return open.state === "waiting" && event.t === "task.ready" ? "success" : ENDS[event.t];
}

function barOf({ task, label, lane, at }, index, state, end) {
  return { key: task, index, label: label || task, lane: lane || SYSTEM, state, start: at, end };
}

/**
 * Lanes from top to bottom, each with as many rows as it has bars at once.
 * @param {Bar[]} bars
 * @param {number} now ms
 * @returns {{name: string, rows: number, bars: {bar: Bar, row: number, from: number, to: number}[]}[]}
 */
export function lanesOf(bars, now) {
  const lanes = new Map();
  const timed = bars.map((bar) => ({ bar, row: 0, from: Date.parse(bar.start), to: bar.end ? Date.parse(bar.end) : now }));
  timed.sort((a, b) => a.from - b.from);
  for (const one of timed) {
    if (!lanes.has(one.bar.lane)) lanes.set(one.bar.lane, []);
    lanes.get(one.bar.lane).push(one);
  }
  const names = [...lanes.keys()].filter((name) => !LAST.includes(name)).sort();
  names.push(...LAST.filter((name) => lanes.has(name)));
  return names.map((name) => ({ name, rows: stack(lanes.get(name)), bars: lanes.get(name) }));
}

/** Lets no two bars of a row overlap, up to a limit; beyond it they share the last row. */
function stack(bars) {
  const ends = [];
  for (const one of bars) {
    const free = ends.findIndex((end) => end <= one.from);
    one.row = free >= 0 ? free : Math.min(ends.length, MOST_ROWS - 1);
    ends[one.row] = Math.max(ends[one.row] ?? 0, one.to);
  }
  return Math.max(1, ends.length);
}
