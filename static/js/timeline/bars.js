/**
 * The bars of a timeline: one for each try of a task and each stretch of waiting, in lanes by who was busy.
 *
 * @typedef {object} Bar
 * @property {string} task
 * @property {number} [index] of a task that runs once for each item
 * @property {number} [attempt]
 * @property {string} label
 * @property {string} lane an agent's name, "System" or "People"
 * @property {import("../canvas/types.js").State} state
 * @property {string} from ISO time
 * @property {string|null} [to] ISO time, null while it goes on
 */

const OPENS = new Set(["running", "waiting", "retrying"]);
const LAST = ["System", "People"];
const MOST_ROWS = 8;

/**
 * Adds what a live event says: the open bar of that task ends, and another begins when there is more to come.
 * @param {Bar[]} bars changed in place
 * @param {{task?: string, index?: number, state?: string, attempt?: number, at: string, lane?: string, label?: string}} event
 * @param {{name: string, kind: string, agent?: string}|undefined} task
 */
export function takeEvent(bars, event, task) {
  if (!event.task || !event.state) return;
  const index = event.index ?? 0;
  const open = bars.findLast((bar) => bar.task === event.task && (bar.index ?? 0) === index && !bar.to);
  if (open && open.state === event.state) return;
  if (open) {
    open.to = event.at;
    if (open.state !== "retrying") open.state = endOf(event.state, open.state);
  }
  if (!OPENS.has(event.state)) return;
  const lane = event.lane ?? (event.state === "waiting" || task?.kind === "person" ? "People" : (task?.agent ?? "System"));
  const name = task?.name ?? event.task;
  const label = event.label ?? (event.attempt > 1 ? `${name}, try ${event.attempt}` : name);
  bars.push({ task: event.task, index, attempt: event.attempt, label, lane, state: event.state, from: event.at, to: null });
}

/** A try that leads to a retry has failed; one that is queued again was given back. */
function endOf(next, was) {
  if (next === "retrying") return "failed";
  if (next === "queued" || next === "running" || next === "waiting") return was === "running" ? "cancelled" : was;
  return next;
}

/**
 * Lanes from top to bottom, each with as many rows as it has bars at once.
 * @param {Bar[]} bars
 * @param {number} now ms
 * @returns {{name: string, rows: number, bars: {bar: Bar, row: number, from: number, to: number}[]}[]}
 */
export function lanesOf(bars, now) {
  const lanes = new Map();
  const timed = bars.map((bar) => ({ bar, row: 0, from: Date.parse(bar.from), to: bar.to ? Date.parse(bar.to) : now }));
  timed.sort((a, b) => a.from - b.from);
  for (const one of timed) {
    if (!lanes.has(one.bar.lane)) lanes.set(one.bar.lane, []);
    lanes.get(one.bar.lane).push(one);
  }
  const names = [...lanes.keys()].filter((name) => !LAST.includes(name));
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
