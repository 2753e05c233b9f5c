/** Drawing edges: by pulling from a port, by clicking one port and then another, or with the keys alone. What may not be is refused at once, in words. */
import { svg } from "../canvas/dom.js";
import { drawn, freeRoute, simplified } from "../canvas/edges.js";
import { got, needsOf, refusal } from "./document.js";
import { atRim } from "./gestures.js";
import { GROUP } from "./graph.js";

const NEAR = 24; // units around a step within which an edge snaps to it

/**
 * @param {() => Surface} surfaceOf
 * @param {{edit: (ops: object[], how: {label: string}) => void, announce: (text: string) => void, addAt: (point: import("../canvas/types.js").Point, link: {from?: string, to?: string, failure?: boolean}) => void,
 *   onMode: (on: boolean, text: string) => void}} act
 */
export function createConnecting(surfaceOf, act) {
  /** @type {{key: string, port: string}|null} */
  let from = null;
  const line = svg("path", { class: "e e-new" });
  const head = svg("path", { class: "e-sel-head" });
  const said = svg("g", { class: "refusal" });

  const clear = () => {
    for (const ink of [line, head, said]) ink.remove();
    mark(null);
  };
  const marks = new Set();
  const mark = (node, reason) => {
    for (const one of marks) one.classList.remove("is-target", "is-refused");
    marks.clear();
    if (!node) return;
    const element = surfaceOf().view.element(node);
    element.classList.add(reason ? "is-refused" : "is-target");
    marks.add(element);
  };
  const ends = (target) => (from.port === "in" ? { from: target, to: from.key } : { from: from.key, to: target });
  const why = (target) => {
    if (target.startsWith(GROUP) || from.key.startsWith(GROUP)) return "Unfold the group first.";
    const { from: origin, to } = ends(target);
    return refusal(surfaceOf().draft(), origin, to);
  };

  function draw(point, event) {
    const surface = surfaceOf();
    const node = nodeNear(surface, point, from.key);
    const reason = node ? why(node.key) : "";
    mark(node, reason);
    const at = surface.model.nodes.get(from.key);
    const loose = { x: point.x, y: point.y, w: 0, h: 0 };
    const other = node && !reason ? node : loose;
    const [a, b] = from.port === "in" ? [other, at] : [at, other];
    const ink = drawn(simplified(freeRoute(a, b, { fork: true, failure: from.port === "fail" })));
    line.setAttribute("d", ink.line);
    head.setAttribute("d", ink.head);
    surface.view.front.append(line, head);
    tell(surface, said, reason, point);
    return event;
  }

  function pull(key, port, event) {
    const surface = surfaceOf();
    const rim = atRim(surface, draw);
    return {
      start() {
        stop();
        from = { key, port };
      },
      move: rim.move,
      end(last, cancelled) {
        rim.stop();
        const point = surface.viewport.pointAt(last.clientX, last.clientY);
        const node = nodeNear(surface, point, key);
        clear();
        if (!cancelled && node) join(node.key);
        else if (!cancelled) act.addAt({ x: port === "in" ? point.x - 200 : point.x, y: point.y - 32 }, port === "in" ? { to: key } : { from: key, failure: port === "fail" });
        from = null;
      },
      event,
    };
  }

  function join(target) {
    const reason = why(target);
    if (reason) return act.announce(reason);
    const { from: origin, to } = ends(target);
    const name = (key) => surfaceOf().model.nodes.get(key)?.name ?? key;
    act.edit(connection(surfaceOf().draft(), origin, to, from.port === "fail"), { label: `${name(to)} runs after ${name(origin)}` });
  }

  function begin(key, port = "out") {
    from = { key, port };
    const name = surfaceOf().model.nodes.get(key)?.name ?? key;
    mark(surfaceOf().model.nodes.get(key));
    act.onMode(true, `Choose the step that runs after ${name}: go there with the arrows or type its name, then press Enter. Escape ends it.`);
  }

  function stop() {
    if (!from) return false;
    from = null;
    clear();
    act.onMode(false, "");
    return true;
  }
  return {
    pull,
    begin,
    stop,
    on: () => Boolean(from),
    source: () => from?.key ?? null,
    /** A step was chosen while connecting. */
    choose(key) {
      if (!from) return;
      if (key === from.key) return void stop();
      join(key);
      if (!why(key) || needsOf(surfaceOf().draft(), ends(key).to).includes(ends(key).from)) stop();
    },
    /** Why not, for the step that is being looked at. */
    reason: (key) => (from && key !== from.key ? why(key) : ""),
    follow: (event) => from && draw(surfaceOf().viewport.pointAt(event.clientX, event.clientY), event),
  };
}

/**
 * The operations of a connection. One for the case of failure also says when the step behind it runs: it waits for whatever
 * becomes of the first and looks at how it ended.
 */
export function connection(draft, from, to, failure = false) {
  const ops = [{ op: "connect", from, to }];
  if (!failure) return ops;
  const conditions = got(draft, ["tasks", to, "conditions"]);
  const wish = `tasks.${from}.status == "failed"`;
  ops.push({ op: "set", key: to, field: ["join"], value: "all_settled" });
  ops.push({ op: "set", key: to, field: ["conditions"], value: [...(Array.isArray(conditions) ? conditions : []), wish] });
  return ops;
}

function nodeNear(surface, point, except) {
  const hit = surface.sight.at(point);
  if (hit && !hit.disc && hit.key !== except) return hit;
  let best = null;
  let least = NEAR;
  for (const node of surface.model.nodes.values()) {
    if (node.disc || node.key === except) continue;
    const dx = Math.max(node.x - point.x, 0, point.x - node.x - node.w);
    const dy = Math.max(node.y - point.y, 0, point.y - node.y - node.h);
    const apart = Math.hypot(dx, dy);
    if (apart < least) [best, least] = [node, apart];
  }
  return best;
}

function tell(surface, said, reason, point) {
  if (!reason) return said.remove();
  const scale = 1 / surface.viewport.view.k;
  const text = svg("text", { class: "refusal-t", x: 12, y: 20 }, reason);
  said.replaceChildren(svg("rect", { class: "refusal-b", width: Math.min(640, 26 + reason.length * 7.2), height: 32, rx: 6 }), text);
  said.setAttribute("transform", `translate(${point.x + 16 * scale} ${point.y + 16 * scale}) scale(${scale})`);
  surface.view.front.append(said);
}
