/** What a canvas to look at and one to edit have in common: the frame, the model, what is drawn of it, the focus and the selection. */
import { describeCanvas } from "./a11y.js";
import { svg } from "./dom.js";
import { createModel } from "./model.js";
import { createSight } from "./sight.js";
import { createView, fontsOf, pillWidth } from "./view.js";
import { createViewport } from "./viewport.js";

/**
 * @typedef {object} StageOptions
 * @property {string} [label] what the canvas shows, for screen readers
 * @property {boolean} [embedded] within a page that scrolls
 * @property {boolean} [editing] with ports, and edges that can be hit
 * @property {(model: import("./model.js").Model) => void} [beforeView] once the model is there
 * @property {(view: {x: number, y: number, k: number}, box: import("./types.js").Box) => void} [onView]
 * @property {(event: PointerEvent) => import("./viewport.js").Drag|null} [claim] see createViewport
 *
 * @param {HTMLElement} host
 * @param {import("./types.js").GraphData} data
 * @param {StageOptions} options
 */
export function createStage(host, data, options) {
  const stop = new AbortController();
  const fonts = fontsOf(host);
  const figure = host.querySelector("[data-zoom-figure]");
  const labelWidth = (label) => pillWidth(label, fonts);
  const model = createModel(data, labelWidth);
  const scene = svg("g", { class: "scene" });
  const plane = svg("svg", { class: "plane", focusable: "false" }, scene);
  const surface = document.createElement("div");
  surface.className = "surface";
  surface.append(plane);
  const frame = document.createElement("div");
  frame.className = "canvas-app";
  frame.append(surface);
  host.prepend(frame);
  const label = options.label ?? "Workflow canvas";
  describeCanvas(frame, model, label);
  const help = host.querySelector("[data-canvas-help]");
  if (help?.id) frame.setAttribute("aria-describedby", help.id);
  options.beforeView?.(model);
  // Without a task nothing in it could take the focus, and no key would work.
  const makeReachable = () => {
    if (options.editing) frame.tabIndex = model.order.length ? -1 : 0;
  };
  makeReachable();
  const view = createView(scene, model, fonts, { editing: options.editing });
  const sight = createSight(surface, model, view);
  const viewport = createViewport(surface, plane, scene, {
    bounds: model.bounds,
    nodes: model.nodes,
    embedded: options.embedded,
    claim: options.claim,
    onView: (at, box) => {
      sight.look(at.k, box);
      const percent = `${Math.round(at.k * 100)} %`;
      if (figure && figure.textContent !== percent) figure.textContent = percent; // the same text again would lay out the page
      options.onView?.(at, box);
    },
  });
  wireButtons(host, viewport, stop.signal);

  let active = null;
  const makeActive = (node) => {
    if (active && model.nodes.get(active.key) === active) view.element(active).setAttribute("tabindex", "-1");
    active = node;
    sight.keep("active", node ? [node] : []);
    if (node) view.element(node).setAttribute("tabindex", "0");
  };
  frame.addEventListener("focusin", (event) => {
    const node = model.nodes.get(event.target.dataset?.key ?? "");
    if (node && node !== active) makeActive(node);
    if (node && event.target.matches(":focus-visible")) viewport.reveal(node);
  }, { signal: stop.signal });

  const first = () => model.nodes.get(model.order[0] ?? "") ?? null;
  return {
    stop, fonts, labelWidth, model, surface, frame, scene, view, sight, viewport,
    active: () => active,
    makeActive,
    /** At the task that is meant, or where work stands. @param {import("./types.js").Node} [meant] */
    open(meant) {
      makeActive(meant ?? first());
      viewport.open(meant ? [meant] : model.fronts());
    },
    focus(key) {
      const node = model.nodes.get(key);
      if (!node) return;
      makeActive(node);
      viewport.reveal(node);
      view.element(node).focus({ preventScroll: true });
    },
    /** @param {import("./types.js").GraphData} next */
    sync(next) {
      const focused = frame.contains(document.activeElement) ? document.activeElement.dataset?.key : null;
      const change = model.sync(next);
      view.sync(change);
      sight.sync(change);
      describeCanvas(frame, model, label);
      makeReachable();
      if (!active || model.nodes.get(active.key) !== active) makeActive(first());
      if (focused && !model.nodes.has(focused)) (active ? view.element(active) : frame).focus({ preventScroll: true });
      viewport.changed();
      return change;
    },
    destroy() {
      stop.abort();
      viewport.destroy();
      frame.remove();
    },
  };
}

function wireButtons(host, viewport, signal) {
  const actions = { in: viewport.zoomIn, out: viewport.zoomOut, fit: viewport.fit };
  for (const button of host.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => actions[button.dataset.zoom]?.(), { signal });
  }
}
