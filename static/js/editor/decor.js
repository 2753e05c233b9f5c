/** What is on the canvas beside tasks and edges: notes in front, groups behind. They are written by people and mean nothing to a run. */
import { cut, icon, svg } from "../canvas/dom.js";
import { around } from "../canvas/model.js";
import { groupsOf, notesOf } from "./graph.js";

export const NOTE = "\u0000note:";
export const FRAME = "\u0000frame:";
export const NOTE_SIZE = { w: 240, h: 88 };
const ROOM = { side: 18, top: 28, bottom: 14 }; // less than half of what lies between two rows, so that frames of neighbours do not meet their steps
const LINE = 20;
const FOLD = 18;

/**
 * @param {View} view
 * @param {import("../canvas/shapes.js").Fonts} fonts
 * @param {import("../canvas/model.js").Model} model
 */
export function createDecor(view, fonts, model) {
  const groups = svg("g", { class: "groups" });
  const notes = svg("g", { class: "notes" });
  view.back.append(groups);
  view.back.append(notes);
  /** @type {Map<string, import("../canvas/types.js").Box & {id: string}>} */
  const boxes = new Map();
  let selected = new Set();
  let draft = {};

  const paint = () => {
    boxes.clear();
    for (const [id, group] of Object.entries(groupsOf(draft))) {
      const box = group?.folded ? null : boxOfGroup(group, model);
      if (box) boxes.set(FRAME + id, { ...box, id });
    }
    for (const [id, note] of Object.entries(notesOf(draft))) boxes.set(NOTE + id, { ...boxOfNote(note), id });
    groups.replaceChildren(...[...boxes].filter(([key]) => key.startsWith(FRAME)).map(([key, box]) => drawGroup(key, box, groupsOf(draft)[box.id], selected.has(key))));
    notes.replaceChildren(...[...boxes].filter(([key]) => key.startsWith(NOTE)).map(([key, box]) => drawNote(key, box, notesOf(draft)[box.id], fonts, selected.has(key))));
  };
  return {
    draw(next) {
      draft = next;
      paint();
    },
    repaint: paint,
    select(keys) {
      selected = new Set(keys);
      paint();
    },
    has: (key) => boxes.has(key),
    isDecor: (key) => key.startsWith(NOTE) || key.startsWith(FRAME),
    box: (key) => boxes.get(key) ?? null,
    boxes,
    /** While it is dragged. @param {string} key @param {import("../canvas/types.js").Point} by */
    shift(key, by) {
      view.back.querySelector(`[data-decor="${CSS.escape(key)}"]`)?.setAttribute("transform", `translate(${by.x} ${by.y})`);
    },
  };
}

function boxOfGroup(group, model) {
  const nodes = (group?.tasks ?? []).map((key) => model.nodes.get(key)).filter(Boolean);
  if (!nodes.length) return null;
  const box = around(nodes);
  return { x: box.x - ROOM.side, y: box.y - ROOM.top, w: box.w + 2 * ROOM.side, h: box.h + ROOM.top + ROOM.bottom };
}

function boxOfNote(note) {
  return { x: note?.x ?? 0, y: note?.y ?? 0, w: note?.width ?? NOTE_SIZE.w, h: note?.height ?? NOTE_SIZE.h };
}

function drawGroup(key, box, group, on) {
  const g = svg("g", { class: "group-frame", "data-decor": key });
  g.append(
    svg("rect", { class: `grp${on ? " is-on" : ""}`, x: box.x, y: box.y, width: box.w, height: box.h, rx: 14 }),
    svg("text", { class: "grp-t", x: box.x + 16, y: box.y + 19 }, group?.name || "Group"),
    icon("i-chevron-down", "grp-i", box.x + box.w - 32, box.y + 7, 16),
    svg("rect", { class: "grp-fold", "data-fold": key, x: box.x + box.w - 40, y: box.y + 1, width: 32, height: 26, rx: 6 }),
  );
  return g;
}

function drawNote(key, box, note, fonts, on) {
  const { x, y, w, h } = box;
  const g = svg("g", { class: "note-card", "data-decor": key });
  g.append(
    svg("path", { class: `note${on ? " is-on" : ""}`, d: `M${x} ${y}h${w}v${h - FOLD}l${-FOLD} ${FOLD}h${FOLD - w}z` }),
    svg("path", { class: "note-fold", d: `M${x + w} ${y + h - FOLD}h${-FOLD}v${FOLD}z` }),
  );
  const lines = wrapped(String(note?.text ?? ""), w - 32, fonts.sub, Math.max(1, Math.floor((h - 20) / LINE)));
  lines.forEach((line, i) => g.append(svg("text", { class: "note-t", x: x + 16, y: y + 26 + i * LINE }, line)));
  g.append(svg("title", {}, String(note?.text ?? "")));
  g.append(svg("rect", { class: "note-grip", "data-grip": key, x: x + w - FOLD - 4, y: y + h - FOLD - 4, width: FOLD + 4, height: FOLD + 4 }));
  return g;
}

/** The text in at most so many lines, broken between words. */
function wrapped(text, room, font, most) {
  const lines = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(/\s+/)) {
      const longer = line ? `${line} ${word}` : word;
      if (line && cut(longer, room, font) !== longer) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    lines.push(line);
  }
  const shown = lines.slice(0, most).map((line) => cut(line, room, font));
  if (lines.length > most) shown[most - 1] = cut(`${lines[most - 1]}…`, room, font);
  return shown;
}
