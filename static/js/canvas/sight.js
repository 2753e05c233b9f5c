/** Keeps in the document what can be seen, and what must stay there: the task in the tab order, the selected and the dragged ones. */
import { createGrid, rangeOf, sameRange } from "./cull.js";
import { OVERVIEW_FROM } from "./view.js";

const NO_TEXT = 0.35;
const NO_DETAIL = 0.55;
const MANY = 250; // so many in sight are an overview, too: putting them all into the document takes longer than a frame
const CROWD = 120; // so many tasks in sight take too long to draw in full, and at these scales cannot be read anyway
const CROWDED_BY = 0.2; // how much nearer one has to come then
const SLACK = 0.03; // so that a zoom resting on a limit does not flicker

/**
 * @param {SVGElement} surface
 * @param {import("./model.js").Model} model
 * @param {View} view
 */
export function createSight(surface, model, view) {
  const edges = createGrid(model.edges, (edge) => edge.boxes);
  /** @type {Record<string, Iterable<import("./types.js").Node>>} */
  const kept = {};
  let range = null;
  let far = false;
  let count = 0;

  const show = () => {
    if (!range) return;
    const nodes = far ? new Set() : model.grid.within(range);
    for (const some of Object.values(kept)) for (const node of some) if (model.nodes.get(node.key) === node) nodes.add(node);
    view.show(nodes, far ? new Set() : edges.within(range));
  };
  return {
    /** @param {import("./types.js").Point} point */
    at: (point) => model.grid.at(point),
    edgesIn: (box) => edges.within(rangeOf(box)),
    /** @param {string} name @param {Iterable<import("./types.js").Node>} nodes that stay in the document while they are kept */
    keep(name, nodes) {
      kept[name] = nodes;
      show();
    },
    changed() {
      if (far) view.overview(true);
    },
    refile(some) {
      for (const edge of some) edges.moved(edge);
    },
    /** After a change of the model. */
    sync(change) {
      for (const edge of change.goneEdges) edges.remove(edge);
      for (const edge of new Set([...change.newEdges, ...change.routed])) edges.moved(edge);
      if (far) view.overview(true);
      show();
    },
    look(k, box) {
      const now = rangeOf(box);
      if (!sameRange(range, now)) count = model.grid.within(now).size;
      const nearer = count > CROWD ? CROWDED_BY : 0;
      const plain = level(surface, "lod", k, NO_TEXT + nearer);
      level(surface, "lodx", k, NO_DETAIL + nearer);
      const nowFar = plain && (model.nodes.size > OVERVIEW_FROM || count > (far ? 0.5 * MANY : MANY));
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
