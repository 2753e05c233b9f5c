/** Where a task goes that nobody has placed, among tasks that people have placed: right of what it runs after, on free ground. */
import { LAYER_GAP, ROW_PITCH } from "./layout.js";

export const GRID = 16;
const MOST_ROWS = 400;

/**
 * @param {import("./types.js").Box[]} taken boxes that are not to be touched
 * @param {import("./types.js").Point} wish upper left corner
 * @param {import("./types.js").Size} size
 * @returns {import("./types.js").Point} the wish itself, or the nearest free row below or above it
 */
export function freeSpot(taken, wish, size) {
  for (let row = 0; row < MOST_ROWS; row += 1) {
    for (const y of row ? [wish.y + row * ROW_PITCH, wish.y - row * ROW_PITCH] : [wish.y]) {
      const box = { x: wish.x - GRID, y: y - GRID, w: size.w + 2 * GRID, h: size.h + 2 * GRID };
      if (!taken.some((other) => touches(box, other))) return { x: wish.x, y };
    }
  }
  return wish;
}

/** Where a step after these would stand best. @param {import("./types.js").Box[]} sources */
export function besideThem(sources) {
  const right = Math.max(...sources.map((box) => box.x + box.w));
  const middle = sources.reduce((sum, box) => sum + box.y, 0) / sources.length;
  return { x: right + LAYER_GAP + 10, y: Math.round(middle) };
}

/**
 * Gives every task without a place one, in order of dependency; tasks that have one stay.
 * @param {import("./types.js").Node[]} nodes with x and y where `position` says
 */
export function placeMissing(nodes) {
  const placed = nodes.filter((node) => node.position);
  const left = new Set(nodes.filter((node) => !node.position));
  while (left.size) {
    const ready = [...left].find((node) => node.into.every((edge) => !left.has(edge.from))) ?? left.values().next().value;
    const sources = ready.into.map((edge) => edge.from).filter((node) => !left.has(node) && !node.disc);
    Object.assign(ready, freeSpot(placed, sources.length ? besideThem(sources) : below(placed), ready));
    placed.push(ready);
    left.delete(ready);
  }
}

function below(placed) {
  return { x: Math.min(...placed.map((box) => box.x)), y: Math.max(...placed.map((box) => box.y + box.h)) + 30 };
}

export function touches(a, b) {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** @param {number} value @returns {number} the nearest line of the grid */
export function snapped(value) {
  return Math.round(value / GRID) * GRID;
}
