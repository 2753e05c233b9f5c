/**
 * Layers: which column each task stands in, and the invisible slots that long edges pass through.
 *
 * A slot is a place in a column: the slots 0..n-1 are the tasks, later ones are dummies.
 * @typedef {{rank: number[], layers: number[][], up: number[][], down: number[][], paths: number[][]}} Columns
 */

/**
 * Which links may be followed without ever running in a circle. A draft may hold a loop; the link that closes it is
 * left out of the layering and drawn backwards.
 * @param {number} count
 * @param {import("../types.js").Link[]} links
 * @returns {boolean[]}
 */
export function forwardLinks(count, links) {
  const out = outgoing(count, links);
  const colour = new Uint8Array(count); // 0 new, 1 on the path, 2 done
  const forward = links.map((link) => link.from !== link.to);
  for (let root = 0; root < count; root += 1) {
    if (colour[root] === 0) walk(root, out, links, colour, forward);
  }
  return forward;
}

function walk(root, out, links, colour, forward) {
  const path = [root];
  const next = [0];
  colour[root] = 1;
  while (path.length) {
    const top = path.length - 1;
    const node = path[top];
    if (next[top] === out[node].length) {
      colour[node] = 2;
      path.pop();
      next.pop();
      continue;
    }
    const id = out[node][next[top]++];
    const to = links[id].to;
    if (colour[to] === 1) forward[id] = false;
    else if (colour[to] === 0) {
      colour[to] = 1;
      path.push(to);
      next.push(0);
    }
  }
}

function outgoing(count, links) {
  const out = Array.from({ length: count }, () => []);
  links.forEach((link, id) => out[link.from].push(id));
  return out;
}

/**
 * Longest-path ranks: a task stands one column right of the last of those it waits for. One that waits for nothing is
 * moved right until it stands beside the first that waits for it.
 * @param {number} count
 * @param {import("../types.js").Link[]} links
 * @param {boolean[]} forward
 * @returns {number[]}
 */
export function longestPathRanks(count, links, forward) {
  const out = outgoing(count, links);
  const missing = new Int32Array(count);
  links.forEach((link, id) => {
    if (forward[id]) missing[link.to] += 1;
  });
  const rank = new Array(count).fill(0);
  const ready = [];
  for (let node = 0; node < count; node += 1) if (missing[node] === 0) ready.push(node);
  for (let at = 0; at < ready.length; at += 1) {
    for (const id of out[ready[at]]) {
      if (!forward[id]) continue;
      const { from, to } = links[id];
      rank[to] = Math.max(rank[to], rank[from] + 1);
      if (--missing[to] === 0) ready.push(to);
    }
  }
  return tightened(rank, out, links, forward);
}

function tightened(rank, out, links, forward) {
  const waits = new Uint8Array(rank.length);
  links.forEach((link, id) => {
    if (forward[id]) waits[link.to] = 1;
  });
  return rank.map((own, node) => {
    const followers = out[node].filter((id) => forward[id]).map((id) => rank[links[id].to]);
    return waits[node] || !followers.length ? own : Math.min(...followers) - 1;
  });
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
export function columns(count, links, forward, nodeRank) {
  const rank = nodeRank.slice();
  const up = Array.from({ length: count }, () => []);
  const down = Array.from({ length: count }, () => []);
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
    const name = `${a}>${b}`;
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
  return { rank, layers: firstOrder(count, rank, down), up, down, paths };
}

/** Slots by column in the order a walk from the first tasks meets them, so that what belongs together starts together. */
function firstOrder(count, rank, down) {
  const layers = Array.from({ length: 1 + rank.reduce((a, b) => Math.max(a, b), -1) }, () => []);
  const seen = new Uint8Array(rank.length);
  const waits = new Uint8Array(rank.length);
  for (const slots of down) for (const slot of slots) waits[slot] = 1;
  for (let root = 0; root < count; root += 1) {
    if (waits[root]) continue;
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
