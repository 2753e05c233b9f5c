/**
 * Layers: which column each task stands in, and the invisible slots that long edges pass through.
 *
 * A slot is a place in a column: the slots 0..n-1 are the tasks, later ones are dummies.
 * @typedef {{rank: number[], layers: number[][], up: number[][], down: number[][], paths: number[][], ends?: Ends}} Columns
 *
 * Between columns that were dealt out, the tasks at the ends of a task's links, whatever lines lead there.
 * @typedef {{up: number[][], down: number[][]}} Ends
 */

const LOW = 12; // so many rows are no tower
const SLIM = 2.5; // a drawing of more rows than this for each column is one

/**
 * The columns of a graph, dealt out where it would be a tower.
 * @param {number} count
 * @param {import("../types.js").Link[]} links
 * @returns {Columns}
 */
export function arranged(count, links) {
  const forward = forwardLinks(count, links);
  const ends = { up: across(count, links, forward, "to", "from"), down: across(count, links, forward, "from", "to") };
  const plain = columns(count, links, forward, longestPathRanks(ends));
  const broader = dealt(plain, count);
  return broader ? { ...columns(count, links, forward, broader), ends } : plain;
}

/**
 * Which links may be followed without ever running in a circle. A draft may hold a loop; the link that closes it is
 * left out of the layering and drawn backwards.
 * @param {number} count
 * @param {import("../types.js").Link[]} links
 * @returns {boolean[]}
 */
function forwardLinks(count, links) {
  const out = lists(count);
  links.forEach((link, id) => out[link.from].push(id));
  const stage = new Uint8Array(count); // 0 new, 1 on the path, 2 done
  const forward = links.map((link) => link.from !== link.to);
  const enter = (node) => {
    stage[node] = 1;
    return { node, ways: out[node].values() };
  };
  for (let root = 0; root < count; root += 1) {
    const path = stage[root] ? [] : [enter(root)];
    while (path.length) {
      const { value: id, done } = path.at(-1).ways.next();
      const to = links[id]?.to;
      if (done) stage[path.pop().node] = 2;
      else if (stage[to] === 1) forward[id] = false;
      else if (!stage[to]) path.push(enter(to));
    }
  }
  return forward;
}

function lists(count) {
  return Array.from({ length: count }, () => []);
}

/** The tasks at the other ends of the forward links, by task. */
function across(count, links, forward, near, far) {
  const found = lists(count);
  links.forEach((link, id) => {
    if (forward[id]) found[link[near]].push(link[far]);
  });
  return found;
}

/**
 * Longest-path ranks: a task stands one column right of the last of those it waits for. One that waits for nothing is
 * moved right until it stands beside the first that waits for it.
 * @param {Ends} ends
 * @returns {number[]}
 */
function longestPathRanks({ up, down }) {
  const missing = up.map((some) => some.length);
  const rank = up.map(() => 0);
  const ready = [...rank.keys()].filter((node) => !missing[node]);
  for (const node of ready) {
    for (const to of down[node]) {
      rank[to] = Math.max(rank[to], rank[node] + 1);
      if (--missing[to] === 0) ready.push(to);
    }
  }
  return rank.map((own, node) => (up[node].length || !down[node].length ? own : Math.min(...down[node].map((to) => rank[to])) - 1));
}

/**
 * Where one column would make a tower of the drawing, tall columns are dealt out over several, row by row, so that what
 * stands together stays together.
 * @param {Columns} columns
 * @param {number} count
 * @returns {number[]|null} the rank of each task then; null where there is no tower
 */
function dealt({ layers }, count) {
  const piles = layers.map((layer) => layer.filter((slot) => slot < count));
  const tallest = Math.max(0, ...piles.map((pile) => pile.length));
  let rows = tallest;
  const shareOf = (pile) => Math.ceil(pile.length / rows);
  while (rows > LOW && piles.reduce((sum, pile) => sum + shareOf(pile), 0) * SLIM < rows) rows -= 1;
  if (rows === tallest) return null;
  const found = [];
  let left = 0;
  for (const pile of piles) {
    pile.forEach((slot, at) => {
      found[slot] = left + (at % shareOf(pile));
    });
    left += shareOf(pile);
  }
  return found;
}

/**
 * Columns with a dummy slot wherever an edge passes one by. Edges of one fork share their dummies, and so do edges of
 * one join, whichever gathers more: what runs side by side to the same end is drawn as one line.
 * @param {number} count
 * @param {import("../types.js").Link[]} links
 * @param {boolean[]} forward
 * @param {number[]} nodeRank
 * @returns {Columns} `paths` are the slots each link passes, by link; empty for one that is not forward
 */
function columns(count, links, forward, nodeRank) {
  const rank = nodeRank.slice();
  const up = lists(count);
  const down = lists(count);
  const shared = new Map();
  const joined = new Set();
  const farOut = new Int32Array(count);
  const farIn = new Int32Array(count);
  const isFar = (link) => nodeRank[link.to] - nodeRank[link.from] > 1;
  links.forEach((link, id) => {
    if (forward[id] && isFar(link)) {
      farOut[link.from] += 1;
      farIn[link.to] += 1;
    }
  });

  const dummy = (owner, column) => {
    const name = `${owner}:${column}`;
    if (!shared.has(name)) {
      shared.set(name, rank.push(column) - 1);
      up.push([]);
      down.push([]);
    }
    return shared.get(name);
  };
  const join = (a, b) => {
    const name = a * 2 ** 26 + b;
    if (joined.has(name)) return;
    joined.add(name);
    down[a].push(b);
    up[b].push(a);
  };

  const paths = links.map((link, id) => {
    if (!forward[id]) return [];
    const byFork = farOut[link.from] >= farIn[link.to];
    const owner = `${byFork ? "f" : "j"}${byFork ? link.from : link.to}${link.failure ? "!" : ""}`;
    const path = [link.from];
    for (let column = nodeRank[link.from] + 1; column < nodeRank[link.to]; column += 1) path.push(dummy(owner, column));
    path.push(link.to);
    for (let i = 1; i < path.length; i += 1) join(path[i - 1], path[i]);
    return path;
  });
  return { rank, layers: firstOrder(count, rank, up, down), up, down, paths };
}

/** Slots by column in the order a walk from the first tasks meets them, so that what belongs together starts together. */
function firstOrder(count, rank, up, down) {
  const layers = lists(1 + rank.reduce((a, b) => Math.max(a, b), -1));
  const seen = new Uint8Array(rank.length);
  for (let root = 0; root < count; root += 1) {
    if (up[root].length) continue;
    const stack = [root];
    while (stack.length) {
      const slot = stack.pop();
      if (seen[slot]) continue;
      seen[slot] = 1;
      layers[rank[slot]].push(slot);
      for (let i = down[slot].length - 1; i >= 0; i -= 1) stack.push(down[slot][i]);
    }
  }
  return layers;
}
