/**
 * The canvas as pages that only show use it: `mountCanvas(host, data, options)`.
 *
 * The host is an empty block of some height; buttons inside it with `data-zoom="in|out|fit"` and an element with
 * `data-zoom-figure` are wired when present. The canvas is read only.
 */
import { startClock } from "./view.js";
import { listenToKeys } from "./keyboard.js";
import { createStage } from "./stage.js";
import { READABLE_SMALL, ROOM } from "./viewport.js";

const LOWEST = 200;
const HIGHEST = 560;
const MOST_OF_SCREEN = 0.62;
const BAR = 24; // some of the zoom bar below the drawing

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
  const stage = createStage(host, data, {
    label: options.label,
    embedded: options.embedded,
    beforeView(model) {
      if (options.size === "drawing") host.style.height = `${heightFor(model.bounds, host.clientWidth)}px`;
    },
  });
  const { model, view, sight, viewport, stop, frame } = stage;
  const select = (key) => {
    const node = model.nodes.get(key ?? "") ?? null;
    view.select(node ? [node.key] : []);
    sight.keep("selected", node ? [node] : []);
    if (node) stage.makeActive(node);
  };
  const commands = {
    active: stage.active,
    viewport,
    select,
    focus: stage.focus,
    open(key, byKey = false) {
      select(key);
      options.onOpen?.(key, byKey);
    },
    back: () => options.onBack?.(),
  };
  listenToKeys(frame, model, commands, stop.signal);
  listenToClicks(frame, model, { commands, viewport, sight }, stop.signal);

  stage.open(model.nodes.get(options.selected ?? ""));
  if (options.selected) select(options.selected);
  if (options.size === "whole") viewport.fit();
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
      clock.stop();
      stage.destroy();
    },
  };
}

/** Room for the whole drawing at the scale it will open with, within what a page can spare. */
function heightFor(bounds, width) {
  const scale = Math.min(1, Math.max(READABLE_SMALL, (width - 2 * ROOM) / bounds.w));
  return Math.round(Math.min(HIGHEST, innerHeight * MOST_OF_SCREEN, Math.max(LOWEST, bounds.h * scale + 2 * ROOM + BAR)));
}

function listenToClicks(frame, model, { commands, viewport, sight }, signal) {
  frame.addEventListener("click", (event) => {
    if (viewport.dragged()) return;
    const key = event.target.closest("[data-key]")?.dataset.key ?? sight.at(viewport.pointAt(event.clientX, event.clientY))?.key;
    const node = model.nodes.get(key ?? "");
    if (node && !node.disc) commands.open(node.key);
  }, { signal });
}
