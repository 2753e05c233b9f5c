/** The ten states a task can be seen in: word, glyph, and what follows from them for the edges. */
import { clock } from "../times.js";

/** @type {Record<import("./types.js").State, string>} */
export const WORDS = {
  queued: "Queued",
  running: "Running",
  success: "Completed",
  failed: "Failed",
  retrying: "Retrying",
  waiting: "Waiting",
  skipped: "Skipped",
  cancelled: "Cancelled",
  paused: "Paused",
  rolledback: "Rolled back",
};

export const STATES = /** @type {import("./types.js").State[]} */ (Object.keys(WORDS));

const NOT_TAKEN = new Set(["skipped", "cancelled"]);
const STARTED = new Set(["running", "success", "failed", "retrying", "waiting"]);
const SETTLED = new Set(["success", "failed"]);

/** Whether nothing more will happen to it by itself. */
export function isSettled(state) {
  return SETTLED.has(state) || NOT_TAKEN.has(state) || state === "rolledback";
}

/**
 * How an edge looks, from the states at its ends alone.
 * @param {import("./types.js").Edge} edge
 * @returns {"plain"|"taken"|"live"|"off"}
 */
export function edgeLook({ from, to, kind }) {
  const [before, after] = [from.state, to.state];
  if (!before) return "plain";
  if (NOT_TAKEN.has(before) || NOT_TAKEN.has(after)) return "off";
  const left = kind === "failure" ? before === "failed" : SETTLED.has(before);
  if (kind === "failure" && before === "success") return "off";
  if (!left) return "plain";
  if (after === "running") return "live";
  return before === "success" || STARTED.has(after) ? "taken" : "plain";
}

/**
 * The figure of a task at a moment: counting up from `since`, down to `until`, or as given.
 * @param {{figure?: string|null, since?: string|null, until?: string|null}} task
 * @param {number} now ms
 * @returns {string}
 */
export function figureAt(task, now) {
  if (task.until) return clock((Date.parse(task.until) - now) / 1000);
  if (task.since) return clock((now - Date.parse(task.since)) / 1000);
  return task.figure ?? "";
}

/** Share of the running bar that is filled, or null when nothing is known. */
export function progressAt(task, now) {
  if (task.usual && task.since) return Math.min(1, (now - Date.parse(task.since)) / 1000 / task.usual);
  return typeof task.progress === "number" ? Math.max(0, Math.min(1, task.progress)) : null;
}
