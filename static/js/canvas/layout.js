/**
 * Our own layered layout: columns by longest path, those of towers dealt out, dummies for long edges, barycentre sweeps with
 * adjacent swaps, heights by least squares, tracks for the turns. Deterministic, no overlaps, 2,000 tasks well under 200 ms.
 */
import { untangle } from "./layout/order.js";
import { arranged } from "./layout/ranks.js";
import { rows } from "./layout/rows.js";
import { assignTracks } from "./layout/tracks.js";

export const ROW_PITCH = 94;
export const LAYER_GAP = 62;
const LABEL_GAP = 120;
const FIRST_TURN = 20; // from the source's edge to the first turn
const LAST_TURN = 36; // from the last turn to the target's edge: room for the head and the baton
const TRACK = 8;
const BELOW = 15; // a failure leaves so far below its task
const UNIT = ROW_PITCH / 6;

/**
 * @param {import("./types.js").Size[]} sizes one for each task
 * @param {import("./types.js").Link[]} links by index into `sizes`
 * @returns {{places: import("./types.js").Point[], routes: (import("./types.js").Point[]|null)[]}}
 *   upper left corners by task, corners of the line by link; null for a link that runs backwards
 */
export function layered(sizes, links) {
  const count = sizes.length;
  const cols = arranged(count, links);
  untangle(cols);
  const middle = Float64Array.from(rows(cols, count), (y) => y * UNIT);
  const turns = hopsByGap(cols, links, middle, sizes);
  const xs = columnEdges(cols, count, sizes, turns.gaps);
  const places = sizes.map((size, i) => ({
    x: xs[cols.rank[i]].left + (xs[cols.rank[i]].width - size.w) / 2,
    y: Math.round(middle[i] - size.h / 2),
  }));
  return { places, routes: routes(cols, links, middle, places, sizes, turns, xs) };
}

/** The turns to be made in each gap, one for each pair of slots, whatever number of links share it; and those of each link. */
function hopsByGap(cols, links, middle, sizes) {
  const gaps = cols.layers.map(() => ({ hops: new Map(), tracks: 1, label: 0 }));
  const hops = links.map((link, id) => cols.paths[id].slice(1).map((b, i) => {
    const a = cols.paths[id][i];
    const drop = i === 0 && link.failure ? sizes[a].h / 2 + BELOW : 0;
    const gap = gaps[cols.rank[a]];
    const name = `${a}>${b}${drop ? "!" : ""}`;
    if (!gap.hops.has(name)) gap.hops.set(name, { a, b, ya: middle[a] + drop, yb: middle[b], track: 0, side: "fork" });
    if (b === link.to) gap.label = Math.max(gap.label, link.labelWidth ?? 0);
    return gap.hops.get(name);
  }));
  for (const gap of gaps) gap.tracks = assignTracks([...gap.hops.values()]);
  return { gaps, hops };
}

function columnEdges(cols, count, sizes, gaps) {
  let left = 0;
  return cols.layers.map((layer, rank) => {
    const width = layer.reduce((most, slot) => (slot < count ? Math.max(most, sizes[slot].w) : most), 0);
    const column = { left, width, gap: gapWidth(gaps[rank]) };
    left += width + column.gap;
    return column;
  });
}

function gapWidth({ tracks, label }) {
  const turns = FIRST_TURN + TRACK * (tracks - 1);
  const room = label ? Math.max(LABEL_GAP, turns + 14 + label + 16) : LAYER_GAP;
  return Math.max(room, turns + LAST_TURN);
}

/** The x of a turn in its gap: a single track turns early for a fork and late for a join, several are spread. */
function turnX(gap, column, hop) {
  const start = column.left + column.width;
  if (gap.tracks === 1) return hop.side === "join" && !gap.label ? start + column.gap - LAST_TURN : start + FIRST_TURN;
  const spread = (gap.label ? FIRST_TURN + TRACK * (gap.tracks - 1) : column.gap - LAST_TURN) - FIRST_TURN;
  return start + FIRST_TURN + (spread * hop.track) / (gap.tracks - 1);
}

function routes(cols, links, middle, places, sizes, { gaps, hops }, xs) {
  return links.map((link, id) => {
    if (!hops[id].length) return null;
    const points = startOf(link, places, sizes, middle);
    for (const hop of hops[id]) {
      const rank = cols.rank[hop.a];
      const x = turnX(gaps[rank], xs[rank], hop);
      points.push({ x, y: hop.ya }, { x, y: hop.yb });
    }
    points.push({ x: places[link.to].x, y: middle[link.to] });
    return points;
  });
}

/** A failure leaves from the bottom, everything else from the right. */
function startOf(link, places, sizes, middle) {
  const { x } = places[link.from];
  const { w, h } = sizes[link.from];
  const y = middle[link.from];
  if (!link.failure) return [{ x: x + w, y }];
  return [{ x: x + w / 2, y: y + h / 2 }, { x: x + w / 2, y: y + h / 2 + BELOW }];
}
