/**
 * Tracks: where in the gap between two columns each line turns. Lines of one fork turn together, and so do lines of one
 * join; groups whose heights overlap get tracks of their own, ordered so that they cross as little as they can.
 *
 * @typedef {{a: number, b: number, ya: number, yb: number, track: number, side: "fork"|"join"}} Hop
 */

const MANY = 600; // beyond this many groups no eye can follow single lines, and the comparison of pairs gets slow
const MOST = 24;

/**
 * Sets the `track` and `side` of each hop of one gap.
 * @param {Hop[]} hops
 * @returns {number} how many tracks the gap needs, at least 1
 */
export function assignTracks(hops) {
  const turning = hops.filter((hop) => hop.ya !== hop.yb);
  const groups = grouped(turning);
  if (groups.length > MANY) return 1;
  // A line that goes down must turn before (left of) the lines that start above it; one that goes up, before those below.
  const down = groups.filter((group) => group.down).sort((p, q) => q.from - p.from);
  const up = groups.filter((group) => !group.down).sort((p, q) => p.from - q.from);
  const placed = [];
  for (const group of down.concat(up)) placeGroup(group, placed);
  const used = placed.reduce((most, group) => Math.max(most, group.track + 1), 1);
  for (const group of placed) for (const hop of group.hops) hop.track = group.track % MOST;
  return Math.min(used, MOST);
}

function placeGroup(group, placed) {
  const taken = new Set();
  let track = 0;
  for (const other of placed) {
    if (other.low <= group.high && group.low <= other.high) {
      taken.add(other.track);
      if (other.down === group.down) track = Math.max(track, other.track + 1);
    }
  }
  while (taken.has(track)) track += 1;
  group.track = track;
  placed.push(group);
}

function grouped(turning) {
  const outs = tally(turning, "a");
  const ins = tally(turning, "b");
  const groups = new Map();
  for (const hop of turning) {
    hop.side = outs.get(hop.a) > 1 || ins.get(hop.b) === 1 ? "fork" : "join";
    const name = hop.side === "fork" ? `f${hop.a}:${hop.ya}` : `j${hop.b}`;
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(hop);
  }
  return [...groups.values()].map(spanOf);
}

function tally(hops, end) {
  const counts = new Map();
  for (const hop of hops) counts.set(hop[end], (counts.get(hop[end]) ?? 0) + 1);
  return counts;
}

function spanOf(hops) {
  let low = Infinity;
  let high = -Infinity;
  let lean = 0;
  for (const { ya, yb } of hops) {
    low = Math.min(low, ya, yb);
    high = Math.max(high, ya, yb);
    lean += yb - ya;
  }
  return { hops, low, high, down: lean > 0, from: hops[0].ya, track: 0 };
}
