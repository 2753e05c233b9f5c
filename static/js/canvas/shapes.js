/** How one task is drawn: 200 x 64, the tile's shape tells its kind, the second line its state. Measures are in px. */
import { cut, cutName, icon, svg, twoLines, widthOf } from "./dom.js";
import { figureAt, progressAt, WORDS } from "./states.js";

const W = 200;
const H = 64;
const TEXT = 58; // left edge of the text
const RIGHT = 189; // right edge of the figure
const BAR = 130;
const CHIPPED = 96; // room for the name beside the chip of an agent
const DIAMOND = "M24 18Q29 13.5 34 18L43 27Q47.5 32 43 37L34 46Q29 50.5 24 46L15 37Q10.5 32 15 27Z";
const NOTCHED = `M10 0H${W - 14}L${W} 14V${H - 10}a10 10 0 0 1 -10 10H10a10 10 0 0 1 -10 -10V10a10 10 0 0 1 10 -10Z`;

/** What became of a task between two versions. */
export const MARKS = { added: "+", removed: "−", changed: "~", renamed: "→", moved: "↔" };

/** Baselines by the number of lines of the name, without and with the bar of a running task below. */
const LINES = { 1: [{ name: 27, second: 47 }, { name: 25, second: 43.5 }], 2: [{ name: 21, second: 53 }, { name: 18, second: 47.5 }] };
const NEXT_LINE = 15;

/** @typedef {{name: string, small: string, word: string, sub: string, pill: string}} Fonts CSS fonts, for measuring */

/** @param {Element} host @returns {Fonts} */
export function fontsOf(host) {
  const family = getComputedStyle(host).fontFamily;
  return { name: `600 14px ${family}`, small: `600 13px ${family}`, word: `500 13px ${family}`, sub: `13px ${family}`, pill: `500 12px ${family}` };
}

/**
 * The parts of a task, and those that change as time passes.
 * @param {import("./types.js").Node} node
 * @param {Fonts} fonts
 * @param {number} now ms
 * @returns {{children: SVGElement[], figure: SVGElement|null, fill: SVGElement|null}}
 */
export function drawTask(node, fonts, now) {
  if (node.disc) return { children: disc(node), figure: null, fill: null };
  const share = node.state === "running" ? progressAt(node, now) : null;
  const broken = widthOf(node.name, fonts.name) > BAR ? twoLines(node.name, BAR, fonts.small) : null;
  const at = LINES[broken ? 2 : 1][share === null ? 0 : 1];
  const second = node.state ? stateLine(node, fonts, now, at.second) : noteLine(node, fonts, at.second);
  const bar = share === null ? null : runningBar(share);
  const detail = svg("g", { class: "n-detail" }, tile(node.kind), icon(node.icon ?? "i-bot", "n-ico", 20, 23, 18));
  detail.append(...(broken ? nameLines(node, broken, at.name) : nameLine(node, fonts, at.name)));
  const fine = svg("g", { class: "n-fine" }, ...second.parts, ...(bar ? bar.parts : []));
  const children = [...body(node), detail, fine];
  if (node.mark) children.push(svg("text", { class: "n-mark-far", x: W / 2, y: 48 }, MARKS[node.mark]));
  if (node.problem) children.push(badge(node));
  return { children, figure: second.figure, fill: bar?.fill ?? null };
}

function disc(node) {
  return [
    svg("title", {}, node.name),
    svg("circle", { class: "start", cx: 18, cy: 18, r: 18 }),
    icon(node.glyph, "n-gl", 10, 10, 16),
  ];
}

function body({ state, mark }) {
  const outline = (className) =>
    state === "failed"
      ? svg("path", { class: className, d: NOTCHED })
      : svg("rect", { class: className, width: W, height: H, rx: 10 });
  const parts = [svg("g", { class: "n-shade", transform: "translate(0 2)" }, outline("n-ground")), outline("n-body")];
  if (state === "waiting" || mark === "removed") parts.push(svg("rect", { class: "n-in", x: 3.5, y: 3.5, width: W - 7, height: H - 7, rx: 7.2 }));
  return parts;
}

function tile(kind) {
  if (kind === "person") return svg("circle", { class: "n-tile", cx: 29, cy: 32, r: 18 });
  if (kind === "condition") return svg("path", { class: "n-tile", d: DIAMOND });
  return svg("rect", { class: "n-tile", x: 11, y: 14, width: 36, height: 36, rx: 8 });
}

function nameLines(node, lines, y) {
  const text = svg("text", { class: "n-name n-name-2", x: TEXT, y });
  lines.forEach((line, i) => text.append(svg("tspan", { x: TEXT, dy: i * NEXT_LINE }, line)));
  if (lines.join(" ") !== node.name) text.append(svg("title", {}, node.name));
  return [text];
}

function nameLine(node, fonts, y) {
  const chipped = node.agent && widthOf(node.name, fonts.name) <= CHIPPED; // a name tells more than initials
  const shown = cutName(node.name, BAR, fonts.name);
  const text = svg("text", { class: "n-name", x: TEXT, y }, shown);
  if (shown !== node.name) text.append(svg("title", {}, node.name));
  if (!chipped) return [text];
  const chip = svg("g", { class: "n-fine" });
  chip.append(
    svg("rect", { class: "n-who", x: 162, y: y - 13.5, width: 26, height: 18, rx: 9 }),
    svg("text", { class: "n-who-t", x: 175, y: y - 0.7 }, shortName(node.agent)),
    svg("title", {}, node.agent),
  );
  return [text, chip];
}

/** Up to three letters: CA as it is, DA for data_agent, WR for worker. */
function shortName(agent) {
  const words = agent.replace(/^(pool|can):/, "").split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  if ([...agent].length <= 3 || !words.length) return agent.slice(0, 3);
  const letters = words.length > 1 ? words.slice(0, 3).map((word) => [...word][0]) : [...words[0]].slice(0, 2);
  return letters.join("").toUpperCase();
}

function stateLine(node, fonts, now, y) {
  const written = figureAt(node, now);
  const said = node.word ?? WORDS[node.state];
  const counts = Boolean(node.since || node.until);
  const kept = counts ? widthOf(written, fonts.sub) + 6 : 0; // a figure that counts is kept, a name gives way
  const most = RIGHT - 75 - kept;
  const word = widthOf(said, fonts.word) > most ? said.replace("Retrying ", "Retry ") : said;
  const room = Math.min(most, widthOf(word, fonts.word) + 1);
  const parts = [
    icon(node.glyph || `g-${node.state}`, node.state === "running" ? "n-gl gl-turn" : "n-gl", TEXT, y - 10.5, 13),
    svg("text", { class: "n-word", x: 75, y }, cut(word, room, fonts.word)),
  ];
  const left = RIGHT - 75 - room - 6;
  const figure = svg("text", { class: "n-sub n-end", x: RIGHT, y }, figureIn(written, left, counts, fonts.sub));
  parts.push(figure);
  return { parts, figure };
}

/** A figure that counts as it is; a name is cut after a whole word. */
function figureIn(text, room, counts, font) {
  if (room < 20) return "";
  const shown = cut(text, room, font);
  return counts || shown === text ? shown : shown.replace(/\s+\S*…$/, "…");
}

function noteLine(node, fonts, y) {
  if (!node.note) return { parts: [], figure: null };
  const x = node.mark ? 75 : TEXT;
  const text = svg("text", { class: node.mark ? "n-word" : "n-sub", x, y }, cut(node.note, TEXT + BAR - x, fonts.sub));
  if (text.textContent !== node.note) text.append(svg("title", {}, node.note));
  const glyph = node.mark ? svg("text", { class: "n-mark", x: TEXT + 6, y }, MARKS[node.mark]) : null;
  return { parts: glyph ? [glyph, text] : [text], figure: null };
}

function runningBar(share) {
  const track = svg("rect", { class: "n-track", x: TEXT, y: 53, width: BAR, height: 3, rx: 1.5 });
  const fill = svg("rect", { class: "n-fill", x: TEXT, y: 53, width: barWidth(share), height: 3, rx: 1.5 });
  return { parts: [track, fill], fill };
}

/** Width of the filled part of the running bar. */
export function barWidth(share) {
  return Math.round(BAR * share * 10) / 10;
}

function badge({ problem, severity }) {
  const [state, glyph] = severity === "warning" ? ["retrying", "g-warn"] : ["failed", "g-failed"];
  return svg(
    "g",
    { class: `s-${state} n-badge` },
    svg("title", {}, problem),
    svg("circle", { class: "n-body", cx: 190, cy: 2, r: 11 }),
    icon(glyph, "n-gl", 183, -5, 14),
  );
}

/**
 * Where edges begin and end, while a workflow is being drawn: in on the left, out on the right, on failure below. Each has a
 * larger unseen ring around it that can be hit.
 */
export function portsOf(node) {
  if (node.disc) return [];
  const at = { in: [0, node.h / 2], out: [node.w, node.h / 2], fail: [node.w / 2, node.h] };
  return Object.entries(at).flatMap(([port, [cx, cy]]) => [
    svg("circle", { class: `port port-${port}`, cx, cy, r: port === "fail" ? 5 : 6 }),
    svg("circle", { class: "port-hit", "data-port": port, cx, cy, r: 12 }),
  ]);
}

/** The ring of a selected task, and the one of a task with the keyboard's focus: both may show. */
export function rings(node) {
  const ring = (className, out) =>
    svg("rect", { class: className, x: -out, y: -out, width: node.w + 2 * out, height: node.h + 2 * out, rx: 14 });
  return { halo: ring("n-halo", 5.5), focus: ring("n-focus", 5) };
}
