/** The canvas to draw on: the stage, what is selected on it, and how a draft becomes what it shows. */
import { around, layoutOf } from "../canvas/model.js";
import { besideThem, freeSpot } from "../canvas/placing.js";
import { createStage } from "../canvas/stage.js";
import { startClock } from "../canvas/view.js";
import { createDecor } from "./decor.js";
import { graphOf, GROUP, groupsOf } from "./graph.js";

/**
 * @param {HTMLElement} host
 * @param {{draft: any, actions: Record<string, import("./graph.js").ActionInfo>, label: string,
 *   claim: (event: PointerEvent) => import("../canvas/viewport.js").Drag|null, onSelect: () => void}} options
 */
export function createSurface(host, { draft: first, actions, label, claim, onSelect }) {
  let draft = first;
  let problems = new Map();
  let selection = new Set();
  let edge = null;
  const seen = new Set();
  const stage = createStage(host, graphOf(draft, actions), {
    label,
    editing: true,
    claim,
    onView: (at, box) => {
      for (const look of seen) look(box);
    },
  });
  const { model, view, sight, viewport } = stage;
  const decor = createDecor(view, stage.fonts, model);
  decor.draw(draft);

  const chosen = () => [...selection].map((key) => model.nodes.get(key)).filter(Boolean);
  const show = () => {
    view.select(selection);
    view.chooseEdge(edge);
    decor.select(selection);
    sight.keep("selected", chosen());
    onSelect();
  };

  const surface = {
    stage, model, view, sight, viewport, decor, chosen,
    draft: () => draft,
    selection: () => selection,
    edge: () => edge,
    /** @param {Iterable<string>} keys */
    select(keys) {
      selection = new Set(keys);
      edge = null;
      const one = chosen()[0];
      if (one && chosen().length === 1) stage.makeActive(one);
      show();
    },
    toggle(key) {
      const next = new Set(selection);
      if (!next.delete(key)) next.add(key);
      surface.select(next);
    },
    chooseEdge(next) {
      [selection, edge] = [new Set(), next];
      show();
    },
    /** @param {string} key */
    focus(key) {
      stage.focus(key);
    },
    /** Shows another state of the draft. */
    update(next) {
      draft = next;
      stage.sync(graphOf(draft, actions, problems));
      decor.draw(draft);
      keepWhatIsThere();
      show();
    },
    setProblems(next) {
      problems = next;
      surface.update(draft);
    },
    onView: (look) => seen.add(look),
    /** Positions of the tasks whose places are not stored yet, so that nothing shifts once one of them is. */
    unstored(except = new Set()) {
      const found = {};
      for (const node of model.nodes.values()) {
        if (node.disc || node.position || except.has(node.key) || node.key.startsWith(GROUP)) continue;
        found[node.key] = { x: node.x, y: node.y };
      }
      return found;
    },
    /** Keys of tasks that a selection stands for: a folded group stands for all in it. */
    keysOf(keys) {
      return [...keys].flatMap((key) => (key.startsWith(GROUP) ? (groupsOf(draft)[key.slice(GROUP.length)]?.tasks ?? []) : decor.isDecor(key) ? [] : [key]));
    },
    /** Free ground for a new task. @param {import("../canvas/types.js").Point|null} wish its upper left corner @param {string[]} after */
    spotFor(wish, after = []) {
      const taken = [...model.nodes.values()];
      const sources = after.map((key) => model.nodes.get(key)).filter(Boolean);
      const seenBox = viewport.seen();
      const at = wish ?? (sources.length ? besideThem(sources) : taken.length ? rightOf(taken) : { x: seenBox.x + seenBox.w / 2 - 100, y: seenBox.y + seenBox.h / 2 - 32 });
      const spot = freeSpot(taken, at, { w: 200, h: 64 });
      return { x: Math.round(spot.x), y: Math.round(spot.y) };
    },
    /** Where the layout would put these, or all; a selection stays where it is as a whole. */
    tidied(keys) {
      const nodes = keys.map((key) => model.nodes.get(key)).filter((node) => node && !node.disc);
      const inside = new Set(nodes);
      const edges = model.edges.filter((one) => inside.has(one.from) && inside.has(one.to));
      const { places } = layoutOf(nodes, edges, stage.labelWidth);
      const [before, after] = [around(nodes), around(nodes.map((node, i) => ({ ...places[i], w: node.w, h: node.h })))];
      return Object.fromEntries(nodes.map((node, i) => [node.key, { x: Math.round(places[i].x + before.x - after.x), y: Math.round(places[i].y + before.y - after.y) }]));
    },
  };

  function keepWhatIsThere() {
    selection = new Set([...selection].filter((key) => model.nodes.has(key) || decor.has(key)));
    if (edge && !model.edges.includes(edge)) edge = model.edges.find((one) => one.id === edge.id) ?? null;
  }

  stage.open();
  startClock(view);
  return surface;
}

function rightOf(nodes) {
  const box = around(nodes);
  return { x: box.x, y: box.y + box.h + 30 };
}
