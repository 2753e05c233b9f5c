/** What a pointer does on the canvas besides panning: drag steps, notes and groups, draw a frame around steps, pull an edge, splice. */
import { cover, svg } from "../canvas/dom.js";
import { snapped, touches } from "../canvas/placing.js";
import { FRAME, NOTE, NOTE_SIZE } from "./decor.js";
import { GROUP, groupsOf, notesOf } from "./graph.js";

const EDGE = 44; // px from the rim at which the canvas moves along
const SPEED = 12; // px a frame
const ALIGN = 8; // units within which a step falls in line with its neighbours
const SPLICE = 18; // units around an edge within which a step dropped on it is spliced in

/**
 * @param {() => Surface} surfaceOf
 * @param {{edit: (ops: object[], how: {label: string}) => void, connectFrom: (key: string, port: string, event: PointerEvent) => import("../canvas/viewport.js").Drag,
 *   panning: () => boolean, touchDown: (event: PointerEvent) => void}} act
 */
export function createClaim(surfaceOf, act) {
  return (event) => {
    const surface = surfaceOf();
    const target = event.target;
    if (event.pointerType === "touch") act.touchDown(event);
    if (act.panning()) return null;
    const port = target.closest("[data-port]");
    if (port) return act.connectFrom(port.closest("[data-key]").dataset.key, port.dataset.port, event);
    const grip = target.closest("[data-grip]");
    if (grip) return resizing(surface, grip.dataset.grip, event, act);
    const key = target.closest("[data-key]")?.dataset.key ?? target.closest("[data-decor]")?.dataset.decor;
    if (key) return moving(surface, key, event, act);
    return event.shiftKey ? framing(surface, event) : null;
  };
}

/** Calls `step` at most once a frame, and moves the canvas along while the pointer is at its rim. */
export function atRim(surface, step) {
  let last = null;
  let frame = 0;
  const run = () => {
    frame = 0;
    const box = surface.stage.surface.getBoundingClientRect();
    const push = (at, low, high) => (at < low + EDGE ? SPEED : at > high - EDGE ? -SPEED : 0);
    const [dx, dy] = [push(last.clientX, box.left, box.right), push(last.clientY, box.top, box.bottom)];
    if (dx || dy) surface.viewport.panBy(dx, dy);
    step(surface.viewport.pointAt(last.clientX, last.clientY), last);
    if (dx || dy) frame = requestAnimationFrame(run);
  };
  return {
    move(event) {
      last = event;
      frame ||= requestAnimationFrame(run);
    },
    flush(event) {
      cancelAnimationFrame(frame);
      frame = 0;
      step(surface.viewport.pointAt(event.clientX, event.clientY), event);
    },
    stop() {
      cancelAnimationFrame(frame);
      frame = 0;
    },
  };
}

function moving(surface, key, event, act) {
  const from = surface.viewport.pointAt(event.clientX, event.clientY);
  let load = null;
  const rim = atRim(surface, (point) => load.shift({ x: point.x - from.x, y: point.y - from.y }));
  return {
    start() {
      if (!surface.selection().has(key)) surface.select([key]);
      load = carry(surface, act);
    },
    move: rim.move,
    end(last, cancelled) {
      if (cancelled) rim.stop();
      else rim.flush(last);
      if (cancelled) load.cancel();
      else load.drop();
    },
  };
}

/**
 * The selection while it is on its way to another place, by pointer or by keys: nothing is stored before `drop`.
 * @param {Surface} surface
 * @param {{edit: (ops: object[], how: {label: string}) => void}} act
 */
export function carry(surface, act) {
  const { model, view, sight } = surface;
  const { nodes, decor } = taken(surface);
  let by = { x: 0, y: 0 };
  let target = null;
  const put = (shift) => {
    for (const edge of model.move(new Map([...nodes].map(([node, at]) => [node, { x: at.x + shift.x, y: at.y + shift.y }])), false)) view.reroute(edge);
    for (const node of nodes.keys()) view.place(node);
    for (const one of decor) surface.decor.shift(one, shift);
  };
  const end = () => {
    view.chooseEdge(surface.edge());
    put({ x: 0, y: 0 });
    sight.keep("dragged", []);
    surface.stage.surface.classList.remove("is-moving");
  };
  sight.keep("dragged", [...nodes.keys()]);
  surface.stage.surface.classList.add("is-moving");
  return {
    by: () => by,
    shift(wish) {
      by = fitted(surface, nodes, decor, wish);
      put(by);
      target = nodes.size === 1 && !decor.length ? spliceUnder(surface, [...nodes.keys()][0]) : null;
      view.chooseEdge(target ?? surface.edge());
    },
    drop() {
      end();
      if (by.x || by.y) act.edit(operationsOf(surface, nodes, decor, by, target), { label: saidOf(nodes, target) });
    },
    cancel: end,
  };
}

/** All that is selected: steps with their places, notes and frames; a frame takes its steps along. */
function taken(surface) {
  const decor = [...surface.selection()].filter((key) => surface.decor.isDecor(key));
  const keys = new Set([...surface.selection()].filter((key) => !surface.decor.isDecor(key)));
  for (const frame of decor.filter((key) => key.startsWith(FRAME))) for (const key of groupsOf(surface.draft())[frame.slice(FRAME.length)]?.tasks ?? []) keys.add(key);
  const nodes = [...keys].map((key) => surface.model.nodes.get(key)).filter((node) => node && !node.disc);
  return { nodes: new Map(nodes.map((node) => [node, { x: node.x, y: node.y }])), decor };
}

/** The step that was taken hold of falls onto the grid, or in line with a neighbour. */
function fitted(surface, nodes, decor, by) {
  const [first] = nodes.size ? [...nodes.values()] : [surface.decor.box(decor[0])];
  const [node] = nodes.keys();
  const at = { x: first.x + by.x, y: first.y + by.y };
  const neighbours = nodes.size === 1 ? [...node.into.map((edge) => edge.from), ...node.out.map((edge) => edge.to)].filter((other) => !other.disc) : [];
  const line = neighbours.find((other) => Math.abs(other.y - at.y) <= ALIGN);
  return { x: snapped(at.x) - first.x, y: (line ? line.y : snapped(at.y)) - first.y };
}

function operationsOf(surface, nodes, decor, by, target) {
  const shift = (at) => ({ x: Math.round(at.x + by.x), y: Math.round(at.y + by.y) });
  const positions = { ...surface.unstored(new Set([...nodes.keys()].map((node) => node.key))) };
  for (const [node, at] of nodes) if (!node.key.startsWith(GROUP)) positions[node.key] = shift(at);
  Object.assign(positions, ofFolded(surface, nodes, by));
  const ops = Object.keys(positions).length ? [{ op: "move", positions }] : [];
  for (const key of decor.filter((one) => one.startsWith(NOTE))) {
    const id = key.slice(NOTE.length);
    const note = notesOf(surface.draft())[id];
    ops.push({ op: "note", id, note: { ...note, ...shift({ x: note.x ?? 0, y: note.y ?? 0 }) } });
  }
  if (target) ops.push({ op: "splice", key: [...nodes.keys()][0].key, from: target.from.key, to: target.to.key });
  return ops;
}

/** A folded group takes the steps in it along. */
function ofFolded(surface, nodes, by) {
  const found = {};
  for (const node of nodes.keys()) {
    if (!node.key.startsWith(GROUP)) continue;
    for (const key of groupsOf(surface.draft())[node.key.slice(GROUP.length)]?.tasks ?? []) {
      const at = surface.draft().tasks?.[key]?.position ?? node;
      found[key] = { x: Math.round(at.x + by.x), y: Math.round(at.y + by.y) };
    }
  }
  return found;
}

function saidOf(nodes, target) {
  const names = [...nodes.keys()].map((node) => node.name);
  const what = names.length === 1 ? names[0] : names.length ? `${names.length} steps` : "note";
  return target ? `${what} put between ${target.from.name} and ${target.to.name}` : `${what} moved`;
}

/** The edge that a loose step is held over. */
function spliceUnder(surface, node) {
  if (node.into.some((edge) => !edge.from.disc) || node.out.length || node.key.startsWith(GROUP)) return null;
  // A step without edges: none of those found is its own.
  return edgeAt(surface, { x: node.x + node.w / 2, y: node.y + node.h / 2 });
}

export function isFolded(edge) {
  return edge.from.key.startsWith(GROUP) || edge.to.key.startsWith(GROUP);
}

/** @param {Surface} surface @returns the edge under a point, for what is dropped there */
export function edgeAt(surface, point) {
  const around = { x: point.x - SPLICE, y: point.y - SPLICE, w: 2 * SPLICE, h: 2 * SPLICE };
  for (const edge of surface.sight.edgesIn(around)) if (!edge.from.disc && !isFolded(edge) && edge.boxes.some((box) => touches(box, around))) return edge;
  return null;
}

function resizing(surface, key, event, act) {
  const from = surface.viewport.pointAt(event.clientX, event.clientY);
  const id = key.slice(NOTE.length);
  const note = notesOf(surface.draft())[id];
  const size = { w: note.width ?? NOTE_SIZE.w, h: note.height ?? NOTE_SIZE.h };
  const outline = svg("rect", { class: "band", x: note.x ?? 0, y: note.y ?? 0 });
  const sizeAt = (point) => ({ width: Math.max(96, snapped(size.w + point.x - from.x)), height: Math.max(48, snapped(size.h + point.y - from.y)) });
  return {
    start: () => surface.view.front.append(outline),
    move(last) {
      const now = sizeAt(surface.viewport.pointAt(last.clientX, last.clientY));
      for (const [name, value] of Object.entries(now)) outline.setAttribute(name, String(value));
    },
    end(last, cancelled) {
      outline.remove();
      if (!cancelled) act.edit([{ op: "note", id, note: { ...note, ...sizeAt(surface.viewport.pointAt(last.clientX, last.clientY)) } }], { label: "Note resized" });
    },
  };
}

/** Shift and drag: what lies in the frame is selected. */
function framing(surface, event) {
  const from = surface.viewport.pointAt(event.clientX, event.clientY);
  const band = svg("rect", { class: "band" });
  const before = new Set(surface.selection());
  const boxTo = (point) => ({ x: Math.min(from.x, point.x), y: Math.min(from.y, point.y), w: Math.abs(point.x - from.x), h: Math.abs(point.y - from.y) });
  const rim = atRim(surface, (point) => cover(band, boxTo(point)));
  return {
    start: () => surface.view.front.append(band),
    move: rim.move,
    end(last, cancelled) {
      rim.stop();
      band.remove();
      if (cancelled) return;
      const box = boxTo(surface.viewport.pointAt(last.clientX, last.clientY));
      const inside = [...surface.model.nodes.values()].filter((node) => !node.disc && touches(node, box)).map((node) => node.key);
      const notes = [...surface.decor.boxes].filter(([key, one]) => key.startsWith(NOTE) && touches(one, box)).map(([key]) => key);
      surface.select(new Set([...before, ...inside, ...notes]));
    },
  };
}
