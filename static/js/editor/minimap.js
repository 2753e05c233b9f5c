/** The whole drawing in a corner: what is in sight is framed; a click or a drag goes there. */
import { cover, svg } from "../canvas/dom.js";

const MOST = 3000; // more tasks than this are drawn as one path anyway, and redrawn rarely
const WAIT = 120;

/** @param {HTMLElement} host @param {Surface} surface */
export function createMinimap(host, surface) {
  const tasks = svg("path", { class: "mm-n" });
  const frame = svg("rect", { class: "mm-v" });
  const picture = svg("svg", { "aria-hidden": "true", preserveAspectRatio: "xMidYMid meet" }, tasks, frame);
  host.append(picture);
  let timer = 0;

  const draw = () => {
    timer = 0;
    const { bounds, nodes } = surface.model;
    const room = Math.max(bounds.w, bounds.h) * 0.06 + 40;
    picture.setAttribute("viewBox", `${bounds.x - room} ${bounds.y - room} ${bounds.w + 2 * room} ${bounds.h + 2 * room}`);
    const boxes = nodes.size > MOST ? [bounds] : nodes.values();
    tasks.setAttribute("d", [...boxes].map((box) => `M${box.x} ${box.y}h${box.w}v${box.h}h${-box.w}z`).join(""));
    frame.setAttribute("stroke-width", String((bounds.w + 2 * room) / 120));
  };
  const go = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
    surface.viewport.centreOn(at);
  };
  picture.addEventListener("pointerdown", (event) => {
    picture.setPointerCapture(event.pointerId);
    go(event);
  });
  picture.addEventListener("pointermove", (event) => {
    if (picture.hasPointerCapture(event.pointerId)) go(event);
  });
  surface.onView((box) => cover(frame, box));
  draw();
  cover(frame, surface.viewport.seen());
  return {
    changed() {
      timer ||= setTimeout(draw, WAIT);
    },
  };
}
