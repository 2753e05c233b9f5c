/**
 * The run's timeline: a lane for each agent, then System, then People; idle time folded, checkpoints as flags, and a line
 * for now. `mountTimeline(host, data, options)`; the data is `{start, end, bars, marks}`.
 */
import { cut, svg, widthOf } from "./canvas/dom.js";
import { lanesOf, takeEvent } from "./timeline/bars.js";
import { createScale, lengthOf, tickLabel } from "./timeline/scale.js";

const LABELS = 112; // px for the names of the lanes
const TOP = 34;
const ROW = 21;
const BAR = 15;
const AHEAD = 48; // px right of now, while the run goes on
const NARROW = 1.5; // px: a narrower bar that would lie on another is left out

/**
 * @typedef {{at: string, label: string, name?: string}} Mark
 * @typedef {{start: string, end?: string|null, bars: import("./timeline/bars.js").Bar[], marks?: Mark[], cut?: boolean}} TimelineData
 *
 * @param {HTMLElement} host
 * @param {TimelineData} given
 */
export function mountTimeline(host, given) {
  const { fontFamily } = getComputedStyle(host);
  let data = copyOf(given);
  let paused = false;
  let frame = 0;
  let ticks = 0;

  const draw = () => {
    frame = 0;
    if (host.clientWidth < LABELS + 80) return;
    const { scrollTop } = host;
    host.replaceChildren(drawing({ data, width: host.clientWidth, fontFamily }));
    host.scrollTop = scrollTop;
  };
  const soon = () => {
    frame ||= requestAnimationFrame(draw);
  };
  // Many bars cost more to draw: then the line for now moves every five seconds only.
  const timer = setInterval(() => {
    ticks += 1;
    if (!data.end && !paused && !document.hidden && (data.bars.length < 300 || ticks % 5 === 0)) soon();
  }, 1000);
  const watcher = new ResizeObserver(soon);
  watcher.observe(host);
  draw();
  return {
    /** @param {import("./timeline/bars.js").RunEvent[]} events */
    take(events) {
      for (const event of events) takeEvent(data.bars, event);
      soon();
    },
    /** The server's whole timeline, in place of what was put together here. @param {TimelineData} whole */
    replace(whole) {
      data = copyOf(whole);
      soon();
    },
    pause(on) {
      paused = on;
    },
    destroy() {
      clearInterval(timer);
      cancelAnimationFrame(frame);
      watcher.disconnect();
      host.replaceChildren();
    },
  };
}

function copyOf(data) {
  return { ...data, bars: data.bars.map((bar) => ({ ...bar })), marks: data.marks ?? [] };
}

function drawing({ data, width, fontFamily }) {
  const from = Date.parse(data.start);
  const now = data.end ? Date.parse(data.end) : Date.now();
  const lanes = lanesOf(data.bars, now);
  const bottom = TOP + lanes.reduce((sum, lane) => sum + lane.rows, 0) * ROW;
  const area = { left: LABELS + 8, width: width - LABELS - 24 - (data.end ? 0 : AHEAD) };
  const scale = createScale(spansOf(lanes, data.marks, now), { from, to: now }, area);
  const summary = `Timeline by agent, ${lanes.length} lanes, ${data.bars.length} bars, ${lengthOf(now - from)} in all`;
  const height = bottom + 14;
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": summary });
  root.append(...laneLines(lanes, width, fontFamily), ...foldStrips(scale, bottom), ...tickMarks(scale, bottom, width));
  root.append(...markFlags(data.marks, scale, bottom, width));
  let y = TOP;
  for (const lane of lanes) {
    root.append(...laneBars(lane, y, scale, fontFamily, width));
    y += lane.rows * ROW;
  }
  if (!data.end) root.append(svg("path", { class: "now", d: `M${scale.x(now)} 20V${bottom + 8}` }));
  return root;
}

/** What keeps time from being folded: work, and the moments of turns and checkpoints. Waiting may be folded. */
function spansOf(lanes, marks, now) {
  const all = lanes.flatMap((lane) => lane.bars);
  const work = all.filter(({ bar }) => bar.lane !== "People" && bar.state !== "waiting");
  const moments = [...all.map(({ from }) => from), ...marks.map(({ at }) => Date.parse(at)), now];
  return [...work, ...moments.map((at) => ({ from: at, to: at }))];
}

function laneLines(lanes, width, fontFamily) {
  let y = TOP;
  return lanes.flatMap((lane) => {
    const name = svg("text", { class: "tl-lane", x: 20, y: y + 14.5 }, cut(lane.name, LABELS - 28, `12px ${fontFamily}`));
    y += lane.rows * ROW;
    return [name, svg("path", { class: "hair", d: `M${LABELS} ${y - 0.5}H${width - 12}` })];
  });
}

function foldStrips(scale, bottom) {
  return scale.pieces.filter((piece) => piece.folded).flatMap((piece) => {
    const height = bottom - 24;
    const length = lengthOf(piece.to - piece.from);
    const torn = (x) => `M${x} 24${"l3 5l-3 5".repeat(Math.max(1, Math.floor(height / 10)))}`;
    return [
      svg("rect", { class: "fold", x: piece.x, y: 24, width: piece.width, height }),
      svg("path", { class: "fold-l", d: torn(piece.x) }),
      svg("path", { class: "fold-l", d: torn(piece.x + piece.width) }),
      svg("text", { class: "tl-cp n-mid", x: piece.x + piece.width / 2, y: 33 }, length.length < 7 ? `${length} folded` : length),
    ];
  });
}

function tickMarks(scale, bottom, width) {
  return scale.ticks().flatMap((tick) => [
    svg("path", { class: "hair", d: `M${Math.round(tick.x) + 0.5} 22V${bottom}` }),
    ...(tick.x + 4 + 56 <= width ? [svg("text", { class: "tl-lane", x: tick.x + 4, y: 14 }, tickLabel(tick))] : []),
  ]);
}

function markFlags(marks, scale, bottom, width) {
  let clear = -Infinity;
  return marks.map(({ label, name, at }) => {
    const x = scale.x(Date.parse(at));
    const g = svg("g", {}, svg("title", {}, name ? `Checkpoint ${name}` : label));
    g.append(svg("path", { class: "flag-l", d: `M${x} 19V${bottom}` }), svg("path", { class: "flag", d: `M${x} 19h11l-3 4 3 4h-11z` }));
    if (x > clear && x + 20 + label.length * 6 <= width) {
      g.append(svg("text", { class: "tl-cp", x: x + 14, y: 27 }, label));
      clear = x + 20 + label.length * 6;
    }
    return g;
  });
}

function laneBars(lane, top, scale, fontFamily, width) {
  const parts = [];
  const ends = [];
  const starts = lane.bars.map(({ from }) => scale.x(from));
  lane.bars.forEach(({ bar, row, from, to }, i) => {
    const x = starts[i];
    const wide = Math.max(3, scale.x(to) - x);
    if (x + wide < (ends[row] ?? -Infinity) + NARROW) return;
    ends[row] = x + wide;
    const y = top + row * ROW + 3;
    const g = svg("g", { class: `s-${bar.state}`, "data-open-task": bar.key }, svg("title", {}, `${bar.label}, ${lengthOf(to - from)}`));
    g.append(svg("rect", { class: `tl-bar s-${bar.state}`, x, y, width: wide, height: BAR, rx: 3 }));
    const next = lane.bars.findIndex((other, j) => j > i && other.row === row);
    const name = label(bar.label, x, wide, next < 0 ? width - 12 : starts[next], fontFamily);
    if (name) g.append(svg("text", { class: "tl-t", x: name.x, y: y + 11.3 }, name.text));
    parts.push(g);
  });
  return parts;
}

/** Inside the bar when it fits, beside it when there is room before the next, else only in the tooltip. */
function label(text, x, wide, limit, fontFamily) {
  const font = `500 11px ${fontFamily}`;
  const needed = widthOf(text, font);
  if (needed + 12 <= wide) return { text, x: x + 6 };
  if (x + wide + 6 + needed + 6 <= limit) return { text, x: x + wide + 6 };
  return wide >= 60 ? { text: cut(text, wide - 12, font), x: x + 6 } : null;
}
