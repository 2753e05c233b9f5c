/**
 * The order within each column: sweeps that set every slot at the middle of its neighbours, then swaps of adjacent slots
 * while that saves crossings. The best order met is kept; the same input always gives the same order.
 */

const MAX_SWEEPS = 14;
const PATIENCE = 4;
const MANY = 5000; // among so many slots no eye sees the last crossings saved, and looking for them takes long

/**
 * @param {import("./ranks.js").Columns} columns its `layers` are replaced by better ones
 * @returns {number} crossings left
 */
export function untangle(columns) {
  const { up, down } = columns;
  let layers = columns.layers;
  const place = new Int32Array(up.length);
  for (const layer of layers) settle(layer, place);
  let best = crossings(layers, down, place);
  let kept = layers.map((layer) => layer.slice());
  for (let sweep = 0, idle = 0; best > 0 && sweep < (up.length > MANY ? 4 : MAX_SWEEPS) && idle < PATIENCE; sweep += 1) {
    if (sweep % 2 === 0) for (let i = 1; i < layers.length; i += 1) byMiddle(layers[i], up, place);
    else for (let i = layers.length - 2; i >= 0; i -= 1) byMiddle(layers[i], down, place);
    swapNeighbours(layers, up, down, place);
    const now = crossings(layers, down, place);
    idle += 1;
    if (now < best) {
      best = now;
      idle = 0;
      kept = layers.map((layer) => layer.slice());
    }
  }
  columns.layers = kept;
  return best;
}

function settle(layer, place) {
  for (let i = 0; i < layer.length; i += 1) place[layer[i]] = i;
}

function byMiddle(layer, neighbours, place) {
  const middle = new Map();
  for (const slot of layer) {
    const beside = neighbours[slot];
    let sum = 0;
    for (const other of beside) sum += place[other];
    middle.set(slot, beside.length ? sum / beside.length : -1);
  }
  // Slots without neighbours on that side keep their place; the others are sorted around them.
  const moving = layer.filter((slot) => middle.get(slot) >= 0);
  moving.sort((a, b) => middle.get(a) - middle.get(b) || place[a] - place[b]);
  let next = 0;
  for (let i = 0; i < layer.length; i += 1) if (middle.get(layer[i]) >= 0) layer[i] = moving[next++];
  settle(layer, place);
}

function swapNeighbours(layers, up, down, place) {
  for (let pass = 0, better = true; better && pass < (up.length > MANY ? 1 : 4); pass += 1) {
    better = false;
    for (const layer of layers) {
      const above = layer.map((slot) => sortedPlaces(up[slot], place));
      const below = layer.map((slot) => sortedPlaces(down[slot], place));
      for (let i = 0; i + 1 < layer.length; i += 1) {
        const saved =
          inversions(above[i], above[i + 1]) - inversions(above[i + 1], above[i]) +
          inversions(below[i], below[i + 1]) - inversions(below[i + 1], below[i]);
        if (saved <= 0) continue;
        for (const list of [layer, above, below]) [list[i], list[i + 1]] = [list[i + 1], list[i]];
        better = true;
      }
      settle(layer, place);
    }
  }
}

function sortedPlaces(slots, place) {
  return slots.map((slot) => place[slot]).sort((a, b) => a - b);
}

/** How many pairs cross when the first list's slot stands above the second's. Both lists are sorted. */
function inversions(first, second) {
  let count = 0;
  let smaller = 0;
  for (const value of first) {
    while (smaller < second.length && second[smaller] < value) smaller += 1;
    count += smaller;
  }
  return count;
}

/**
 * Crossings between all adjacent columns, counted with a Fenwick tree.
 * @param {number[][]} layers
 * @param {number[][]} down
 * @param {Int32Array} place
 */
function crossings(layers, down, place) {
  let total = 0;
  for (let i = 0; i + 1 < layers.length; i += 1) {
    const size = layers[i + 1].length;
    const tree = new Int32Array(size + 1);
    let inserted = 0;
    for (const slot of layers[i]) {
      const ends = sortedPlaces(down[slot], place);
      for (const end of ends) total += inserted - sumTo(tree, end + 1);
      for (const end of ends) add(tree, end + 1);
      inserted += ends.length;
    }
  }
  return total;
}

function add(tree, at) {
  for (let i = at; i < tree.length; i += i & -i) tree[i] += 1;
}

function sumTo(tree, at) {
  let sum = 0;
  for (let i = at; i > 0; i -= i & -i) sum += tree[i];
  return sum;
}
