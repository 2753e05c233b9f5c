/**
 * What is on screen: a grid of 512 units in which every task and edge is filed once, so that asking for a range costs what
 * the range holds, not what the workflow holds.
 */

const CELL = 512;

/**
 * @template T
 * @param {Iterable<T>} things
 * @param {(thing: T) => import("./types.js").Box[]} boxesOf several for an edge, one for each stretch of it
 */
export function createGrid(things, boxesOf) {
  /** @type {Map<string, Set<T>>} */
  const cells = new Map();
  const file = (name, thing) => {
    if (!cells.has(name)) cells.set(name, new Set());
    cells.get(name).add(thing);
  };
  /** @type {Map<T, string[]>} */
  const filed = new Map();
  const add = (thing) => {
    const names = new Set();
    for (const box of boxesOf(thing)) for (const name of cellsOf(rangeOf(box))) names.add(name);
    for (const name of names) file(name, thing);
    filed.set(thing, [...names]);
  };
  const remove = (thing) => {
    for (const name of filed.get(thing) ?? []) cells.get(name)?.delete(thing);
    filed.delete(thing);
  };
  for (const thing of things) add(thing);
  return {
    add,
    remove,
    /** Files it anew after it has moved. */
    moved(thing) {
      remove(thing);
      add(thing);
    },
    /** @param {Range} range @returns {Set<T>} */
    within(range) {
      const found = new Set();
      for (const name of cellsOf(range)) for (const thing of cells.get(name) ?? []) found.add(thing);
      return found;
    },
    /** @param {import("./types.js").Point} point @returns {T|null} */
    at({ x, y }) {
      const holds = (box) => x >= box.x && x <= box.x + box.w && y >= box.y && y <= box.y + box.h;
      for (const thing of cells.get(`${Math.floor(x / CELL)}:${Math.floor(y / CELL)}`) ?? []) {
        if (boxesOf(thing).some(holds)) return thing;
      }
      return null;
    },
  };
}

/** @typedef {{left: number, top: number, right: number, bottom: number}} Range whole cells, inclusive */

/** @param {import("./types.js").Box} box @returns {Range} */
export function rangeOf(box) {
  return {
    left: Math.floor(box.x / CELL),
    top: Math.floor(box.y / CELL),
    right: Math.floor((box.x + box.w) / CELL),
    bottom: Math.floor((box.y + box.h) / CELL),
  };
}

/** @param {Range|null} a @param {Range} b */
export function sameRange(a, b) {
  return a !== null && a.left === b.left && a.top === b.top && a.right === b.right && a.bottom === b.bottom;
}

function* cellsOf(range) {
  for (let x = range.left; x <= range.right; x += 1) for (let y = range.top; y <= range.bottom; y += 1) yield `${x}:${y}`;
}
