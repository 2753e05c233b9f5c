/**
 * Heights: every slot is drawn towards the middle of its neighbours by least squares, with the order and the room between
 * slots kept (pool adjacent violators). The last passes prefer straight lines, then all comes to rest on a grid.
 */

/** Units of room: two tasks, a task and a passing line, two passing lines. One unit is a sixth of the row pitch. */
const ROOM = [6, 3, 1];
const NEAR = 2.7; // units within which an almost straight line is made straight
const SWEEPS = 10;

/**
 * @param {import("./ranks.js").Columns} columns
 * @param {number} count tasks; later slots are dummies
 * @returns {Float64Array} the middle of each slot, in sixths of the row pitch, from 0 down
 */
export function rows(columns, count) {
  const { layers, up, down, ends } = columns;
  const y = new Float64Array(up.length);
  const room = (a, b) => ROOM[(a >= count ? 1 : 0) + (b >= count ? 1 : 0)];
  for (const layer of layers) {
    for (let i = 1; i < layer.length; i += 1) y[layer[i]] = y[layer[i - 1]] + room(layer[i - 1], layer[i]);
  }
  // Lines that gather many tasks would pull whole columns up or down: where they were dealt out, lines follow the tasks.
  const above = (slot) => ends?.up[slot] ?? up[slot];
  const below = (slot) => ends?.down[slot] ?? down[slot];
  const beside = up.map((_, slot) => above(slot).concat(below(slot)));
  const both = (slot) => beside[slot];
  const pull = (beside) => (slot) => middleOf(slot, beside(slot), y, count, ends && slot >= count);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    eachLayer(layers, sweep % 2 === 0, (layer) => solve(layer, pull(sweep % 2 ? below : above), room, y));
  }
  for (const forward of [true, false]) eachLayer(layers, forward, (layer) => solve(layer, pull(both), room, y));
  for (const forward of [true, false, true]) {
    const near = forward ? up : down;
    eachLayer(layers, forward, (layer) => solve(layer, (slot) => straight(slot, near[slot], both(slot), y, count), room, y));
  }
  rest(y, up.length > count ? 1 : 3);
  return y;
}

function eachLayer(layers, forward, visit) {
  for (let i = 0; i < layers.length; i += 1) visit(layers[forward ? i : layers.length - 1 - i]);
}

/** Passing lines pull harder than tasks, so that long edges stay straight. */
function weightOf(a, b, count) {
  return (a >= count ? 3 : 1) * (b >= count ? 3 : 1);
}

function middleOf(slot, beside, y, count, follows) {
  if (!beside.length) return { want: y[slot], weight: 0.05 };
  let sum = 0;
  let weight = 0;
  for (const other of beside) {
    const w = weightOf(slot, other, count);
    sum += w * y[other];
    weight += w;
  }
  return { want: sum / weight, weight: follows ? 1 : weight };
}

function straight(slot, beside, all, y, count) {
  let nearest = Infinity;
  for (const other of beside) if (Math.abs(y[other] - y[slot]) < Math.abs(nearest - y[slot])) nearest = y[other];
  if (Math.abs(nearest - y[slot]) <= NEAR) return { want: nearest, weight: 8 };
  return { want: y[slot], weight: all.length ? 1 : 0.05 };
}

/**
 * Weighted isotonic regression: the closest places to those wanted that keep order and room.
 * @param {number[]} layer
 * @param {(slot: number) => {want: number, weight: number}} pull
 * @param {(a: number, b: number) => number} room
 * @param {Float64Array} y
 */
function solve(layer, pull, room, y) {
  const sums = [];
  const weights = [];
  const sizes = [];
  const offsets = new Float64Array(layer.length);
  for (let i = 0; i < layer.length; i += 1) {
    if (i > 0) offsets[i] = offsets[i - 1] + room(layer[i - 1], layer[i]);
    const { want, weight } = pull(layer[i]);
    sums.push((want - offsets[i]) * weight);
    weights.push(weight);
    sizes.push(1);
    while (sums.length > 1 && sums.at(-2) / weights.at(-2) > sums.at(-1) / weights.at(-1)) merge(sums, weights, sizes);
  }
  for (let block = 0, i = 0; block < sums.length; block += 1) {
    const base = sums[block] / weights[block];
    for (let n = 0; n < sizes[block]; n += 1, i += 1) y[layer[i]] = base + offsets[i];
  }
}

function merge(...lists) {
  for (const list of lists) {
    const last = list.pop();
    list[list.length - 1] += last;
  }
}

/** Onto a grid of `step` units, from 0 down. Room is a multiple of the step, so none is lost by rounding. */
function rest(y, step) {
  let top = Infinity;
  for (let i = 0; i < y.length; i += 1) {
    y[i] = Math.round(y[i] / step) * step;
    top = Math.min(top, y[i]);
  }
  for (let i = 0; i < y.length; i += 1) y[i] -= top;
}
