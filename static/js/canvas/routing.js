/** Lines between tasks that stand where people have put them: clear of the other tasks wherever a way can be found. */
import { freeRoute, simplified, stretches } from "./edges.js";

const CLEAR = 14; // between a line and a task it passes
const OUT = 20; // from the source's edge to the first turn
const BACK = 36; // from the last turn to the target's edge
const TRIES = 24; // heights at which a way past the tasks in between is looked for

/**
 * @param {import("./types.js").Edge} edge
 * @param {(box: import("./types.js").Box) => Iterable<import("./types.js").Node>} nodesIn tasks that touch a box
 * @returns {import("./types.js").Point[]} simplified corners
 */
export function clearRoute(edge, nodesIn) {
  const plain = simplified(freeRoute(edge.from, edge.to, manner(edge)));
  if (isClear(plain, nodesIn)) return plain;
  for (const way of ways(edge, nodesIn)) if (isClear(way, nodesIn)) return way;
  return plain;
}

/** A fork turns early, a join late; a failure leaves from the bottom. */
export function manner(edge) {
  return { fork: edge.from.out.length > 1 || edge.to.into.length === 1, failure: edge.kind === "failure" };
}

function isClear(points, nodesIn) {
  return stretches(points).every((box) => { // its own ends count too: it begins and ends at their rims
    const line = { x: box.x + 2, y: box.y + 12, w: box.w - 4, h: box.h - 24 };
    for (const node of nodesIn(line)) if (!node.disc) return false;
    return true;
  });
}

/** The same line with its turn elsewhere; then lines that go above or below what stands in between. */
function* ways(edge, nodesIn) {
  const { from, to } = edge;
  const start = startOf(edge);
  const last = start.at(-1);
  const end = { x: to.x, y: to.y + to.h / 2 };
  const [left, right] = [from.x + from.w + OUT, end.x - BACK];
  if (right > left) for (const x of [right, left]) yield simplified([...start, { x, y: last.y }, { x, y: end.y }, end]);
  for (const y of heights(edge, nodesIn, last.y, end.y)) {
    yield simplified([...start, { x: left, y: last.y }, { x: left, y }, { x: right, y }, { x: right, y: end.y }, end]);
  }
}

function startOf({ from, kind }) {
  if (kind !== "failure") return [{ x: from.x + from.w, y: from.y + from.h / 2 }];
  const x = from.x + from.w / 2;
  return [{ x, y: from.y + from.h }, { x, y: from.y + from.h + 15 }];
}

/** Just above and below each task in between, the nearest to the straight way first. */
function heights({ from, to }, nodesIn, ya, yb) {
  const [left, right] = [Math.min(from.x, to.x), Math.max(from.x + from.w, to.x + to.w)];
  const found = new Set();
  for (const node of nodesIn({ x: left, y: Math.min(ya, yb) - 400, w: right - left, h: Math.abs(ya - yb) + 800 })) {
    found.add(node.y - CLEAR).add(node.y + node.h + CLEAR);
  }
  const detour = (y) => Math.abs(y - ya) + Math.abs(y - yb);
  return [...found].sort((a, b) => detour(a) - detour(b) || a - b).slice(0, TRIES);
}
