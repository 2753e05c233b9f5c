/**
 * Where the canvas is looked at from: `{x, y, k}` in screen px and scale. Drag and wheel pan; pinch, Ctrl+wheel and buttons
 * zoom at the pointer. One animation frame writes one transform attribute; nothing else moves.
 */

const MOST = 2;
const LEAST = 0.02;
const STEP = 1.2;
const DRAG_FROM = 4; // px a pointer may shake before it is a drag
export const ROOM = 24;
const BARS = 70; // room at the top for the bars that float over a canvas that is the page
const READABLE = 0.8; // below this, opening starts at the first unfinished task instead of showing all
const READABLE_SMALL = 0.7; // within a page, where the canvas cannot be large

/** The least scale at which everything is shown on opening. @param {boolean} [embedded] */
export function readable(embedded) {
  return embedded ? READABLE_SMALL : READABLE;
}

/**
 * @typedef {object} ViewportOptions
 * @property {import("./types.js").Box} bounds of the whole drawing
 * @property {(view: {x: number, y: number, k: number}, box: import("./types.js").Box) => void} onView after each change
 * @property {boolean} [embedded] within a page that scrolls: the plain wheel is the page's
 * @property {(event: PointerEvent) => Drag|null} [claim] asked when a pointer comes down; null: it pans
 *
 * What a pointer does instead of panning. `start` once it has moved far enough to be a drag, `end` only after that.
 * @typedef {{start?: (event: PointerEvent) => void, move: (event: PointerEvent) => void, end: (event: PointerEvent, cancelled: boolean) => void}} Drag
 *
 * @param {SVGSVGElement} surface
 * @param {SVGElement} scene
 * @param {ViewportOptions} options
 */
export function createViewport(surface, scene, { bounds, onView, claim = () => null, embedded = false }) {
  const view = { x: 0, y: 0, k: 1 };
  const size = { w: surface.clientWidth, h: surface.clientHeight };
  const pad = { top: embedded ? ROOM : BARS, right: ROOM, bottom: ROOM, left: ROOM };
  const stop = new AbortController();
  let frame = 0;

  const least = () => Math.min(LEAST, fitScale());
  const draw = () => {
    frame = 0;
    scene.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.k})`);
    onView(view, { x: -view.x / view.k, y: -view.y / view.k, w: size.w / view.k, h: size.h / view.k });
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
  const fitScale = () => Math.min((size.w - pad.left - pad.right) / bounds.w, (size.h - pad.top - pad.bottom) / bounds.h);
  const centre = (box, k) => {
    const middle = { x: (size.w + pad.left - pad.right) / 2, y: (size.h + pad.top - pad.bottom) / 2 };
    change({ k, x: middle.x - (box.x + box.w / 2) * k, y: middle.y - (box.y + box.h / 2) * k });
  };
  const fit = (most = 1) => centre(bounds, Math.min(most, Math.max(1e-3, fitScale())));

  /** @type {{box: import("./types.js").Box|null}|null} opened while hidden: done once there is a size */
  let toOpen = null;
  /** Everything when that can be read, otherwise readable and at the given box. */
  const open = (box) => {
    toOpen = size.w && size.h ? null : { box };
    if (toOpen) return;
    if (!box || fitScale() >= readable(embedded)) fit();
    else change(opening(box, bounds, size, pad, readable(embedded)));
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
    if (toOpen) open(toOpen.box);
    else change({});
  });
  watcher.observe(surface);

  return {
    view,
    fit: () => fit(),
    zoomAt,
    zoomIn: () => zoomAt(STEP),
    zoomOut: () => zoomAt(1 / STEP),
    zoomTo: (k) => zoomAt(k / view.k),
    dragged: drags.dragged,
    cancelDrag: drags.cancel,
    /** Pans until the box is in sight, clear of the bars. */
    reveal: (box) => change(revealing(box, view, size, pad)),
    fitTo: (box, most = 1) => centre(box, Math.min(most, Math.max(1e-3, Math.min((size.w - pad.left - pad.right) / box.w, (size.h - pad.top - pad.bottom) / box.h)))),
    panBy: (dx, dy) => change({ x: view.x + dx, y: view.y + dy }),
    /** The middle of what is in sight goes there. @param {import("./types.js").Point} point */
    centreOn: (point) => change({ x: size.w / 2 - point.x * view.k, y: size.h / 2 - point.y * view.k }),
    /** What is in sight, in units of the canvas. */
    seen: () => ({ x: -view.x / view.k, y: -view.y / view.k, w: size.w / view.k, h: size.h / view.k }),
    /** The drawing has another size now. */
    changed: () => change({}),
    open,
    /** Canvas point under a point of the window. */
    pointAt(clientX, clientY) {
      const frameBox = surface.getBoundingClientRect();
      return { x: (clientX - frameBox.left - view.x) / view.k, y: (clientY - frameBox.top - view.y) / view.k };
    },
    destroy() {
      stop.abort();
      watcher.disconnect();
      cancelAnimationFrame(frame);
    },
  };
}

/** The drawing cannot be lost: some of it always stays in sight. */
function keepNear(view, size, bounds) {
  const edge = 80;
  const clamp = (value, low, high) => Math.min(Math.max(value, Math.min(low, high)), Math.max(low, high));
  view.x = clamp(view.x, edge - (bounds.x + bounds.w) * view.k, size.w - edge - bounds.x * view.k);
  view.y = clamp(view.y, edge - (bounds.y + bounds.h) * view.k, size.h - edge - bounds.y * view.k);
}

function revealing(box, view, size, pad) {
  const shift = (from, to, low, high) => {
    if (from < low || to - from > high - low) return low - from;
    return to > high ? high - to : 0;
  };
  const left = box.x * view.k + view.x;
  const top = box.y * view.k + view.y;
  return {
    x: view.x + shift(left, left + box.w * view.k, pad.left, size.w - pad.right),
    y: view.y + shift(top, top + box.h * view.k, pad.top, size.h - pad.bottom - 48),
  };
}

function opening(box, bounds, size, pad, k) {
  const along = (at, length, start, whole, room, before, after, share) => {
    if (whole * k <= room - before - after) return (room + before - after) / 2 - (start + whole / 2) * k;
    const wished = room * share - (at + length / 2) * k;
    return Math.max(Math.min(wished, before - start * k), room - after - (start + whole) * k);
  };
  return {
    k,
    x: along(box.x, box.w, bounds.x, bounds.w, size.w, pad.left, pad.right, 0.35),
    y: along(box.y, box.h, bounds.y, bounds.h, size.h, pad.top, pad.bottom, 0.5),
  };
}

function wheel(event, { view, change, zoomAt, embedded, surface }) {
  const zooms = event.ctrlKey || event.metaKey;
  if (embedded && !zooms && !surface.contains(document.activeElement)) return;
  event.preventDefault();
  const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? surface.clientHeight : 1;
  if (zooms) {
    const frameBox = surface.getBoundingClientRect();
    zoomAt(Math.exp(-event.deltaY * unit * 0.0022), event.clientX - frameBox.left, event.clientY - frameBox.top);
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
  const frameBox = surface.getBoundingClientRect();
  act.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  const middle = { x: (now.x + other.x) / 2 - frameBox.left, y: (now.y + other.y) / 2 - frameBox.top };
  act.zoom(apart(now, other) / apart(before, other), middle.x, middle.y);
}
