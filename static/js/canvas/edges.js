/**
 * From corners to ink: rounded paths, arrow heads, the pill's and the baton's places; and lines between tasks that stand where
 * people have put them, clear of the other tasks wherever a way can be found.
 */

const RADIUS = 14;
const HEAD = 7;
const GAP = 3; // between the head's tip and the task's edge, so that a thick edge does not touch it
const START = 2;
const CLEAR = 14; // between a line and a task it passes
const OUT = 20; // from the source's edge to the first turn
const BACK = 36; // from the last turn to the target's edge
const TRIES = 24; // heights at which a way past the tasks in between is looked for

/**
 * A route between two boxes that no layout has planned. Forward: out, one turn, in. Backward: around below both.
 * @param {import("./types.js").Box} a
 * @param {import("./types.js").Box} b
 * @param {{fork: boolean, failure: boolean}} how a fork turns early, a join late
 * @returns {import("./types.js").Point[]}
 */
export function freeRoute(a, b, { fork, failure }) {
  const end = { x: b.x, y: b.y + b.h / 2 };
  const lead = leads(a, failure);
  const from = lead.at(-1);
  const right = a.x + a.w;
  const room = end.x - right;
  if (room >= 48) {
    const x = fork ? right + OUT : Math.max(right + OUT, end.x - BACK);
    return [...lead, { x, y: from.y }, { x, y: end.y }, end];
  }
  const below = Math.max(a.y + a.h, b.y + b.h) + 23;
  const out = right + OUT;
  const back = end.x - BACK;
  return [...lead, { x: out, y: from.y }, { x: out, y: below }, { x: back, y: below }, { x: back, y: end.y }, end];
}

/** How a line leaves a box: at its right, that of a failure below. */
function leads({ x, y, w, h }, failure) {
  const middle = x + w / 2;
  return failure ? [{ x: middle, y: y + h }, { x: middle, y: y + h + 15 }] : [{ x: x + w, y: y + h / 2 }];
}

/**
 * Points that turn nowhere are dropped, so that the radius is measured on real corners.
 * @param {import("./types.js").Point[]} points
 */
export function simplified(points) {
  return points.filter((point, i) => {
    const before = points[i - 1];
    const after = points[i + 1];
    if (!before || !after) return true;
    const flat = before.y === point.y && point.y === after.y;
    const steep = before.x === point.x && point.x === after.x;
    return !flat && !steep;
  });
}

/**
 * The line and its head, as path data.
 * @param {import("./types.js").Point[]} points simplified corners, the last segment runs right
 * @returns {{line: string, head: string}}
 */
export function drawn(points) {
  const first = points[0];
  const last = points.at(-1);
  const downward = points.length > 1 && points[1].x === first.x;
  const start = downward ? { x: first.x, y: first.y + START } : { x: first.x + START, y: first.y };
  const tip = { x: last.x - GAP, y: last.y };
  const corners = [start, ...points.slice(1, -1), { x: tip.x - HEAD + 1, y: tip.y }];
  let line = `M${at(corners[0])}`;
  for (let i = 1; i < corners.length - 1; i += 1) line += corner(corners[i - 1], corners[i], corners[i + 1], i, corners.length);
  line += `L${at(corners.at(-1))}`;
  const base = tip.x - HEAD;
  return { line, head: `M${num(base)} ${num(tip.y - 4)}L${at(tip)}L${num(base)} ${num(tip.y + 4)}Z` };
}

function corner(before, point, after, i, count) {
  const reach = Math.min(RADIUS, span(before, point) / (i === 1 ? 1 : 2), span(point, after) / (i === count - 2 ? 1 : 2));
  return `L${at(towards(point, before, reach))}Q${at(point)} ${at(towards(point, after, reach))}`;
}

function span(a, b) {
  return Math.abs(a.x - b.x) + Math.abs(a.y - b.y);
}

function towards(from, to, reach) {
  return { x: from.x + Math.sign(to.x - from.x) * reach, y: from.y + Math.sign(to.y - from.y) * reach };
}

function at(point) {
  return `${num(point.x)} ${num(point.y)}`;
}

function num(value) {
  return Math.round(value * 10) / 10;
}

/** The middle of the last straight run, clear of the corner and the head: where the pill sits. */
export function pillPlace(points) {
  const last = points.at(-1);
  const before = points.at(-2);
  const from = before.x + (points.length > 2 ? RADIUS : START);
  return { x: (from + last.x - GAP - HEAD) / 2, y: last.y };
}

/** The short stroke just before the task that holds the work now. */
export function batonLine(points) {
  const last = points.at(-1);
  return `M${num(last.x - 29)} ${num(last.y)}H${num(last.x - 19)}`;
}

/**
 * A box for each stretch of the line, with room for heads and pills.
 * @param {import("./types.js").Point[]} points
 * @returns {import("./types.js").Box[]}
 */
export function stretches(points) {
  return points.slice(1).map((point, i) => {
    const before = points[i];
    return {
      x: Math.min(point.x, before.x) - 2,
      y: Math.min(point.y, before.y) - 12,
      w: Math.abs(point.x - before.x) + 4,
      h: Math.abs(point.y - before.y) + 24,
    };
  });
}

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
function manner(edge) {
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
  const start = leads(from, edge.kind === "failure");
  const last = start.at(-1);
  const end = { x: to.x, y: to.y + to.h / 2 };
  const [left, right] = [from.x + from.w + OUT, end.x - BACK];
  if (right > left) for (const x of [right, left]) yield simplified([...start, { x, y: last.y }, { x, y: end.y }, end]);
  for (const y of heights(edge, nodesIn, last.y, end.y)) {
    yield simplified([...start, { x: left, y: last.y }, { x: left, y }, { x: right, y }, { x: right, y: end.y }, end]);
  }
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
