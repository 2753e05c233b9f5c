/**
 * Where the canvas is looked at from: `{x, y, k}` in screen px and scale. Drag and wheel pan; pinch, Ctrl+wheel and buttons
 * zoom at the pointer. One animation frame writes one transform; nothing else moves.
 */

const MOST = 2;
const LEAST = 0.02;
const STEP = 1.2;
const DRAG_FROM = 4; // px a pointer may shake before it is a drag
export const ROOM = 24;
const BARS = 70; // room at the top for the bars that float over a canvas that is the page
const WHOLE = 0.65; // opening shows all that can be told apart at this scale, otherwise where work stands
const READABLE = 0.8;
export const READABLE_SMALL = 0.7; // within a page, where the canvas cannot be large
const TRIED = 200; // so many places to open at are compared
const LARGEST = 2.1; // what is drawn is stretched so far
const REST = 150; // ms without a change after which it is drawn anew
const LONGEST = 2000; // ms after which it is in any case
const AROUND = 0.7; // of the surface on each side of it: css/canvas.css gives the plane so much, to be there when it shrinks

/**
 * @typedef {object} ViewportOptions
 * @property {import("./types.js").Box} bounds of the whole drawing
 * @property {Map<string, import("./types.js").Box>} nodes what is drawn there
 * @property {(view: {x: number, y: number, k: number}, box: import("./types.js").Box) => void} onView after each change
 * @property {boolean} [embedded] within a page that scrolls: the plain wheel is the page's
 * @property {(event: PointerEvent) => Drag|null} [claim] asked when a pointer comes down; null: it pans
 *
 * What a pointer does instead of panning. `start` once it has moved far enough to be a drag, `end` only after that.
 * @typedef {{start?: (event: PointerEvent) => void, move: (event: PointerEvent) => void, end: (event: PointerEvent, cancelled: boolean) => void}} Drag
 *
 * @param {HTMLElement} surface
 * @param {SVGSVGElement} plane
 * @param {SVGElement} scene
 * @param {ViewportOptions} options
 */
export function createViewport(surface, plane, scene, { bounds, nodes, onView, claim = () => null, embedded = false }) {
  const view = { x: 0, y: 0, k: 1 };
  const size = { w: surface.clientWidth, h: surface.clientHeight };
  const top = embedded ? ROOM : BARS;
  const stop = new AbortController();
  let frame = 0;

  const least = () => Math.min(LEAST, scaleFor(bounds));
  const seen = () => ({ x: -view.x / view.k, y: -view.y / view.k, w: size.w / view.k, h: size.h / view.k });
  const drawPlane = planeDrawer(plane, scene, size);
  const draw = () => {
    frame = 0;
    drawPlane(view);
    onView(view, seen());
  };
  const change = (next) => {
    Object.assign(view, next);
    keepNear(view, size, bounds);
    frame ||= requestAnimationFrame(draw);
  };
  const zoomAt = (factor, x = size.w / 2, y = size.h / 2) => {
    const k = Math.min(MOST, Math.max(least(), view.k * factor));
    const by = k / view.k;
    change({ k, x: x - (x - view.x) * by, y: y - (y - view.y) * by });
  };
  const scaleFor = (box) => Math.max(1e-3, Math.min((size.w - 2 * ROOM) / box.w, (size.h - top - ROOM) / box.h));
  const fitTo = (box) => {
    const k = Math.min(1, scaleFor(box));
    change({ k, x: size.w / 2 - (box.x + box.w / 2) * k, y: (size.h + top - ROOM) / 2 - (box.y + box.h / 2) * k });
  };
  const fit = () => fitTo(bounds);

  /** @type {(() => void)|null} opened while hidden: done once there is a size */
  let toOpen = null;
  /** Everything when that can be read, otherwise readable and at the one of these places where most is in sight. */
  const open = (places) => {
    toOpen = size.w && size.h ? null : () => open(places);
    if (toOpen) return;
    const k = embedded ? READABLE_SMALL : READABLE;
    if (!places.length || scaleFor(bounds) >= WHOLE) fit();
    else change(busiest(places.map((box) => opening(box, bounds, size, top, k)), [...nodes.values()], size, bounds));
  };

  const drags = followPointers(surface, stop.signal, {
    pan: (dx, dy) => change({ x: view.x + dx, y: view.y + dy }),
    zoom: zoomAt,
    claim,
  });
  surface.addEventListener("wheel", (event) => wheel(event, { view, change, zoomAt, embedded, surface }), { passive: false, signal: stop.signal });
  const watcher = new ResizeObserver(() => {
    Object.assign(size, { w: surface.clientWidth, h: surface.clientHeight });
    if (!size.w) return;
    if (toOpen) toOpen();
    else change({});
  });
  watcher.observe(surface);

  return {
    view,
    fit,
    zoomAt,
    zoomIn: () => zoomAt(STEP),
    zoomOut: () => zoomAt(1 / STEP),
    zoomTo: (k) => zoomAt(k / view.k),
    dragged: drags.dragged,
    cancelDrag: drags.cancel,
    /** Pans until the box is in sight, clear of the bars. */
    reveal: (box) => change(revealing(box, view, size, top)),
    fitTo,
    panBy: (dx, dy) => change({ x: view.x + dx, y: view.y + dy }),
    /** The middle of what is in sight goes there. @param {import("./types.js").Point} point */
    centreOn: (point) => change({ x: size.w / 2 - point.x * view.k, y: size.h / 2 - point.y * view.k }),
    /** What is in sight, in units of the canvas. */
    seen,
    /** The drawing has another size now. */
    changed: () => change({}),
    open,
    /** Canvas point under a point of the window. */
    pointAt(clientX, clientY) {
      const at = within(surface, clientX, clientY);
      return { x: (at.x - view.x) / view.k, y: (at.y - view.y) / view.k };
    },
    destroy() {
      stop.abort();
      watcher.disconnect();
      cancelAnimationFrame(frame);
    },
  };
}

/**
 * While the scale changes, the picture that the browser has of the plane is stretched: no text is laid out and nothing painted, which
 * would take longer than a frame. Soon after, it is drawn as it is to be.
 */
function planeDrawer(plane, scene, size) {
  let drawn = { k: 0, at: 0 };
  let rest = 0;
  const settle = (view) => {
    drawn = { ...view, at: performance.now() };
    plane.style.transform = plane.style.willChange = "";
    scene.setAttribute("transform", `translate(${view.x + AROUND * size.w} ${view.y + AROUND * size.h}) scale(${view.k})`);
  };
  return (view) => {
    const by = view.k / drawn.k;
    clearTimeout(rest);
    const [x, y] = [view.x - drawn.x * by, view.y - drawn.y * by];
    const covers = (from, length) => from <= AROUND * length * by && from + (1 + AROUND) * length * by >= length;
    const suffices = by <= LARGEST && covers(x, size.w) && covers(y, size.h) && performance.now() < drawn.at + LONGEST;
    if (by === 1 || !suffices) return settle(view);
    plane.style.willChange = "transform";
    plane.style.transform = `translate(${x}px, ${y}px) scale(${by})`;
    rest = setTimeout(settle, REST, view);
  };
}

function within(surface, x, y) {
  const { left, top } = surface.getBoundingClientRect();
  return { x: x - left, y: y - top };
}

/** The drawing cannot be lost: some of it always stays in sight. */
function keepNear(view, size, bounds) {
  const edge = 80;
  const clamp = (value, low, high) => Math.min(Math.max(value, Math.min(low, high)), Math.max(low, high));
  view.x = clamp(view.x, edge - (bounds.x + bounds.w) * view.k, size.w - edge - bounds.x * view.k);
  view.y = clamp(view.y, edge - (bounds.y + bounds.h) * view.k, size.h - edge - bounds.y * view.k);
}

function revealing(box, view, size, top) {
  const shift = (from, to, low, high) => {
    if (from < low || to - from > high - low) return low - from;
    return to > high ? high - to : 0;
  };
  const x = box.x * view.k + view.x;
  const y = box.y * view.k + view.y;
  return {
    x: view.x + shift(x, x + box.w * view.k, ROOM, size.w - ROOM),
    y: view.y + shift(y, y + box.h * view.k, top, size.h - ROOM - 48),
  };
}

/** The view with this box left of the middle, or with all of a drawing that is smaller than the window. */
function opening(box, bounds, size, top, k) {
  const along = (wish, start, length, room, before) => {
    const [least, most] = [room - ROOM - (start + length) * k, before - start * k];
    return least > most ? (least + most) / 2 : Math.max(least, Math.min(most, wish));
  };
  return {
    k,
    x: along(size.w * 0.3 - box.x * k, bounds.x, bounds.w, size.w, ROOM),
    y: along(size.h / 2 - (box.y + box.h / 2) * k, bounds.y, bounds.h, size.h, top),
  };
}

/** The view with the most boxes well in sight for the way from the drawing's left end to the view's right: one reads from the left. */
function busiest(views, boxes, size, bounds) {
  const isIn = (from, length, room) => from >= ROOM && from + length <= room - ROOM;
  const tried = views.filter((_, i) => i % Math.ceil(views.length / TRIED) === 0);
  const worth = tried.map(({ x, y, k }) => {
    const seen = boxes.filter((box) => isIn(box.x * k + x, box.w * k, size.w) && isIn(box.y * k + y, box.h * k, size.h));
    return seen.length / (size.w - x - bounds.x * k);
  });
  return tried[worth.indexOf(Math.max(...worth))];
}

function wheel(event, { view, change, zoomAt, embedded, surface }) {
  const zooms = event.ctrlKey || event.metaKey;
  if (embedded && !zooms && !surface.contains(document.activeElement)) return;
  event.preventDefault();
  const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? surface.clientHeight : 1;
  if (zooms) {
    const at = within(surface, event.clientX, event.clientY);
    zoomAt(Math.exp(-event.deltaY * unit * 0.0022), at.x, at.y);
  } else if (event.shiftKey && !event.deltaX) change({ x: view.x - event.deltaY * unit });
  else change({ x: view.x - event.deltaX * unit, y: view.y - event.deltaY * unit });
}

/**
 * One pointer pans or does what it was claimed for, two pinch. The pointer is captured only once it drags, so that a click
 * still reaches what it hit.
 * @param {SVGSVGElement} surface
 * @param {AbortSignal} signal
 * @param {{pan: (dx: number, dy: number) => void, zoom: (factor: number, x: number, y: number) => void, claim: (event: PointerEvent) => Drag|null}} act
 */
function followPointers(surface, signal, act) {
  const held = new Map();
  let moved = 0;
  let wasDrag = false;
  /** @type {Drag|null} */
  let drag = null;

  const drop = (event, cancelled) => {
    if (drag && wasDrag) drag.end(event, cancelled);
    drag = null;
  };
  surface.addEventListener("pointerdown", (event) => {
    if (event.button > 1) return;
    held.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (held.size === 1) {
      [moved, wasDrag] = [0, false];
      drag = event.button === 0 ? act.claim(event) : null;
    } else drop(event, true);
  }, { signal });

  surface.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    if (!wasDrag && moved < DRAG_FROM) return;
    if (!wasDrag) {
      surface.setPointerCapture(event.pointerId);
      wasDrag = true;
      drag?.start?.(event);
      if (!drag) surface.classList.add("is-dragged");
    }
    if (drag) drag.move(event);
    else if (held.size === 1) act.pan(now.x - before.x, now.y - before.y);
    else pinch(surface, held, event.pointerId, now, act);
    held.set(event.pointerId, now);
  }, { signal });

  const release = (event) => {
    if (!held.delete(event.pointerId)) return;
    drop(event, event.type !== "pointerup");
    if (!held.size) surface.classList.remove("is-dragged");
  };
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) surface.addEventListener(end, release, { signal });
  surface.addEventListener("pointerleave", (event) => {
    if (!surface.hasPointerCapture(event.pointerId)) release(event);
  }, { signal });
  return {
    dragged: () => wasDrag,
    /** Escape: what is being dragged goes back. */
    cancel(event) {
      const had = Boolean(drag && wasDrag);
      drop(event, true);
      held.clear();
      return had;
    },
  };
}

function pinch(surface, held, id, now, act) {
  const other = [...held].find(([key]) => key !== id)[1];
  const before = held.get(id);
  const apart = (a, b) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
  const middle = within(surface, (now.x + other.x) / 2, (now.y + other.y) / 2);
  act.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  act.zoom(apart(now, other) / apart(before, other), middle.x, middle.y);
}
