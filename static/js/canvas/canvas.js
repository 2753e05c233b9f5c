/**
 * The canvas as pages use it: `mountCanvas(host, data, options)`.
 *
 * The host is an empty block of some height; buttons inside it with `data-zoom="in|out|fit"` and an element with
 * `data-zoom-figure` are wired when present. The canvas is read only.
 */
import { describeCanvas } from "./a11y.js";
import { createGrid, rangeOf, sameRange } from "./cull.js";
import { svg } from "./dom.js";
import { listenToKeys } from "./keyboard.js";
import { createModel } from "./model.js";
import { OVERVIEW_FROM } from "./overview.js";
import { createView, fontsOf, pillWidth } from "./view.js";
import { createViewport, readable, ROOM } from "./viewport.js";

const LOWEST = 200;
const HIGHEST = 560;
const MOST_OF_SCREEN = 0.62;
const BAR = 24; // some of the zoom bar below the drawing
const NO_TEXT = 0.35;
const NO_DETAIL = 0.55;
const SLACK = 0.03; // so that a zoom resting on a limit does not flicker

/**
 * @typedef {object} CanvasOptions
 * @property {(key: string, byKey: boolean) => void} [onOpen] a task was clicked, or Enter pressed on it
 * @property {() => void} [onBack] Escape was pressed
 * @property {string|null} [selected]
 * @property {string} [label] what the canvas shows, for screen readers
 * @property {boolean} [embedded] within a page that scrolls
 * @property {"drawing"|"whole"|""} [size] "drawing": as high as the drawing needs; "whole": all of it, however small
 *
 * @param {HTMLElement} host
 * @param {import("./types.js").GraphData} data
 * @param {CanvasOptions} [options]
 */
export function mountCanvas(host, data, options = {}) {
  const stop = new AbortController();
  const fonts = fontsOf(host);
  const model = createModel(data, (label) => pillWidth(label, fonts));
  const scene = svg("g", { class: "scene" });
  const surface = svg("svg", { class: "surface", focusable: "false" }, scene);
  const frame = document.createElement("div");
  frame.className = "canvas-app";
  frame.append(surface);
  host.prepend(frame);
  describeCanvas(frame, model, options.label ?? "Workflow canvas");
  const help = host.querySelector("[data-canvas-help]");
  if (help?.id) frame.setAttribute("aria-describedby", help.id);

  if (options.size === "drawing") host.style.height = `${heightFor(model.bounds, host.clientWidth)}px`;
  const view = createView(scene, model, fonts);
  const sight = createSight(surface, model, view);
  const viewport = createViewport(surface, scene, {
    bounds: model.bounds,
    embedded: options.embedded,
    onView: (at, box) => {
      sight.look(at.k, box);
      const figure = host.querySelector("[data-zoom-figure]");
      if (figure) figure.textContent = `${Math.round(at.k * 100)} %`;
    },
  });

  let active = model.nodes.get(options.selected ?? "") ?? model.nodes.get(model.order[0] ?? "") ?? null;
  const makeActive = (node) => {
    if (active) view.element(active).setAttribute("tabindex", "-1");
    active = node;
    sight.keep("active", node);
    view.element(node).setAttribute("tabindex", "0");
  };
  const select = (key) => {
    const node = model.nodes.get(key ?? "") ?? null;
    view.select(node ? node.key : null);
    sight.keep("selected", node);
    if (node) makeActive(node);
  };
  const commands = {
    active: () => active,
    viewport,
    select,
    focus(key) {
      const node = model.nodes.get(key);
      if (!node) return;
      makeActive(node);
      viewport.reveal(node);
      view.element(node).focus({ preventScroll: true });
    },
    open(key, byKey = false) {
      select(key);
      options.onOpen?.(key, byKey);
    },
    back: () => options.onBack?.(),
  };
  listenToKeys(frame, model, commands, stop.signal);
  listenToClicks(frame, model, { commands, viewport, sight }, stop.signal);
  wireButtons(host, viewport, stop.signal);
  frame.addEventListener("focusin", (event) => {
    const node = model.nodes.get(event.target.dataset?.key ?? "");
    if (node && node !== active) makeActive(node);
    if (node && event.target.matches(":focus-visible")) viewport.reveal(node);
  }, { signal: stop.signal });

  if (active) makeActive(active);
  if (options.selected) select(options.selected);
  if (options.size === "whole") viewport.fit();
  else viewport.open(model.nodes.get(options.selected ?? "") ?? model.firstUnfinished() ?? active);
  const clock = startClock(view);

  return {
    /** @param {Record<string, import("./types.js").TaskState>} states */
    update(states) {
      const changed = model.apply(states);
      view.repaint(changed);
      if (changed.nodes.size) sight.changed();
    },
    select,
    focus: commands.focus,
    fit: viewport.fit,
    /** The figures stand still while updates are paused. */
    pause: clock.pause,
    model,
    destroy() {
      stop.abort();
      clock.stop();
      viewport.destroy();
      frame.remove();
    },
  };
}

/** Room for the whole drawing at the scale it will open with, within what a page can spare. */
function heightFor(bounds, width) {
  const scale = Math.min(1, Math.max(readable(true), (width - 2 * ROOM) / bounds.w));
  return Math.round(Math.min(HIGHEST, innerHeight * MOST_OF_SCREEN, Math.max(LOWEST, bounds.h * scale + 2 * ROOM + BAR)));
}

/** Keeps in the document what can be seen, and what must stay there: the task in the tab order and the selected one. */
function createSight(surface, model, view) {
  const tasks = createGrid(model.nodes.values(), (node) => [node]);
  const edges = createGrid(model.edges, (edge) => edge.boxes);
  const many = model.nodes.size > OVERVIEW_FROM;
  const kept = { active: null, selected: null };
  let range = null;
  let far = false;

  const show = () => {
    const nodes = far ? new Set() : tasks.within(range);
    for (const node of [kept.active, kept.selected]) if (node) nodes.add(node);
    view.show(nodes, far ? new Set() : edges.within(range));
  };
  return {
    at: tasks.at,
    keep(name, node) {
      kept[name] = node;
      if (range) show();
    },
    changed() {
      if (far) view.overview(true);
    },
    look(k, box) {
      const plain = level(surface, "lod", k, NO_TEXT);
      level(surface, "lodx", k, NO_DETAIL);
      const now = rangeOf(box);
      const nowFar = many && plain;
      if (sameRange(range, now) && nowFar === far) return;
      if (nowFar !== far) view.overview(nowFar);
      [range, far] = [now, nowFar];
      show();
    },
  };
}

function level(surface, name, k, limit) {
  const on = k < limit + (surface.classList.contains(name) ? SLACK : 0);
  surface.classList.toggle(name, on);
  return on;
}

function listenToClicks(frame, model, { commands, viewport, sight }, signal) {
  frame.addEventListener("click", (event) => {
    if (viewport.dragged()) return;
    const key = event.target.closest("[data-key]")?.dataset.key ?? sight.at(viewport.pointAt(event.clientX, event.clientY))?.key;
    const node = model.nodes.get(key ?? "");
    if (node && !node.disc) commands.open(node.key);
  }, { signal });
}

function wireButtons(host, viewport, signal) {
  const actions = { in: viewport.zoomIn, out: viewport.zoomOut, fit: viewport.fit };
  for (const button of host.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => actions[button.dataset.zoom]?.(), { signal });
  }
}

function startClock(view) {
  let paused = false;
  const timer = setInterval(() => {
    if (!paused && !document.hidden) view.tick(Date.now());
  }, 1000);
  return {
    pause: (on) => {
      paused = on;
    },
    stop: () => clearInterval(timer),
  };
}
