/**
 * From moments to px, with idle stretches folded to a strip of fixed width: bursts of seconds stay readable beside hours of
 * waiting. Idle is when no bar but a waiting one is under way.
 *
 * @typedef {{from: number, to: number}} Span in ms
 * @typedef {{from: number, to: number, x: number, width: number, folded: boolean}} Piece
 */

export const FOLD_WIDTH = 78;
const SHORTEST_FOLD = 20_000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
const TICK_ROOM = 84;

/**
 * @param {Span[]} busy work, in any order, overlapping or not
 * @param {Span} whole first and last moment to be shown
 * @param {{left: number, width: number}} area
 * @returns {{x: (at: number) => number, pieces: Piece[], ticks: () => {at: number, x: number, step: number}[]}}
 */
export function createScale(busy, whole, { left, width }) {
  const pieces = placed(cutAtFolds(union(busy, whole), whole), left, width);
  const x = (at) => {
    const piece = pieces.find((one) => at <= one.to) ?? pieces.at(-1);
    const share = Math.max(0, Math.min(1, (at - piece.from) / Math.max(1, piece.to - piece.from)));
    return piece.x + share * piece.width;
  };
  return { x, pieces, ticks: () => ticksOf(pieces) };
}

/** Busy spans joined where they meet, within the whole. */
function union(busy, whole) {
  const sorted = busy
    .map(({ from, to }) => ({ from: Math.max(from, whole.from), to: Math.min(to, whole.to) }))
    .filter(({ from, to }) => to >= from)
    .sort((a, b) => a.from - b.from);
  const joined = [];
  for (const span of sorted) {
    const last = joined.at(-1);
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else joined.push({ ...span });
  }
  return joined;
}

function cutAtFolds(joined, whole) {
  const work = joined.reduce((sum, span) => sum + span.to - span.from, 0);
  const longest = Math.max(SHORTEST_FOLD, work);
  const edges = [whole.from, ...joined.flatMap((span) => [span.from, span.to]), whole.to];
  const pieces = [];
  let from = whole.from;
  for (let i = 0; i < edges.length; i += 2) {
    const idle = edges[i + 1] - edges[i];
    if (idle <= longest) continue;
    const margin = Math.min(idle * 0.1, Math.max(1000, work * 0.12));
    const fold = { from: edges[i] + margin, to: edges[i + 1] - margin };
    if (fold.from > from) pieces.push({ from, to: fold.from, folded: false });
    pieces.push({ ...fold, folded: true });
    from = fold.to;
  }
  pieces.push({ from, to: Math.max(whole.to, from + 1), folded: false });
  return pieces;
}

function placed(pieces, left, width) {
  const folds = pieces.filter((piece) => piece.folded).length;
  const foldWidth = Math.min(FOLD_WIDTH, (width * 0.5) / Math.max(1, folds));
  const open = pieces.reduce((sum, piece) => sum + (piece.folded ? 0 : piece.to - piece.from), 0);
  const perMs = (width - folds * foldWidth) / Math.max(1, open);
  let x = left;
  return pieces.map((piece) => {
    const own = piece.folded ? foldWidth : (piece.to - piece.from) * perMs;
    const done = { ...piece, x, width: own };
    x += own;
    return done;
  });
}

function ticksOf(pieces) {
  const open = pieces.filter((piece) => !piece.folded);
  const perMs = open.reduce((most, piece) => Math.max(most, piece.width / Math.max(1, piece.to - piece.from)), 0);
  const step = (STEPS.find((seconds) => seconds * 1000 * perMs >= TICK_ROOM) ?? STEPS.at(-1)) * 1000;
  const ticks = [];
  for (const piece of open) {
    const zone = new Date(piece.from).getTimezoneOffset() * 60_000;
    for (let at = Math.ceil((piece.from - zone) / step) * step + zone; at <= piece.to; at += step) {
      const x = piece.x + ((at - piece.from) / (piece.to - piece.from)) * piece.width;
      if (!ticks.length || x - ticks.at(-1).x >= TICK_ROOM * 0.6) ticks.push({ at, x, step });
    }
  }
  return ticks;
}

/** @param {{at: number, step: number}} tick */
export function tickLabel({ at, step }) {
  const moment = new Date(at);
  if (step >= 86_400_000) return moment.toLocaleDateString(undefined, { day: "numeric", month: "short" });
  const second = step < 60_000 ? "2-digit" : undefined;
  return moment.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second, hourCycle: "h23" });
}

/** "2 h 58 min", "40 s". */
export function lengthOf(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
