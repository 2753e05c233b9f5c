/** Keys of the canvas. They work only while the focus is inside it, and Tab always leaves it. */

const TURN = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

/**
 * The next task that way: a neighbour along an edge when there is one, otherwise the nearest by distance, where straying
 * sideways counts double.
 * @param {import("./types.js").Node} node
 * @param {string} key an arrow key
 * @param {import("./model.js").Model} model
 * @returns {import("./types.js").Node|null}
 */
export function nextTask(node, key, model) {
  const [dx, dy] = TURN[key];
  const linked = dx > 0 ? node.out.map((edge) => edge.to) : dx < 0 ? node.into.map((edge) => edge.from) : [];
  const near = linked.filter((other) => !other.disc && (other.x - node.x) * dx > 0);
  return nearest(node, near.length ? near : model.nodes.values(), dx, dy);
}

function nearest(node, others, dx, dy) {
  let best = null;
  let least = Infinity;
  for (const other of others) {
    if (other === node || other.disc) continue;
    const along = (other.x - node.x) * dx + (other.y - node.y) * dy;
    const aside = Math.abs((other.x - node.x) * dy) + Math.abs((other.y - node.y) * dx);
    if (along <= 0 || (dy && aside > node.w)) continue;
    const cost = along + 2 * aside;
    if (cost < least) [best, least] = [other, cost];
  }
  return best;
}

/**
 * @typedef {object} Commands
 * @property {() => import("./types.js").Node|null} active
 * @property {(key: string) => void} focus
 * @property {(key: string, byKey?: boolean) => void} open
 * @property {(key: string) => void} select
 * @property {() => void} back
 * @property {{zoomIn: () => void, zoomOut: () => void, zoomTo: (k: number) => void, fit: () => void}} viewport
 *
 * @param {HTMLElement} host
 * @param {import("./model.js").Model} model
 * @param {Commands} commands
 * @param {AbortSignal} signal
 */
export function listenToKeys(host, model, commands, signal) {
  host.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("button, a, input, select, textarea")) return;
    if (act(event.key, model, commands)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }, { signal });
}

function act(key, model, commands) {
  const active = commands.active();
  const { viewport } = commands;
  const keys = {
    Home: () => commands.focus(model.order[0]),
    End: () => commands.focus(model.order.at(-1)),
    Enter: () => active && commands.open(active.key, true),
    " ": () => active && commands.select(active.key),
    Escape: () => commands.back(),
    "+": () => viewport.zoomIn(),
    "=": () => viewport.zoomIn(),
    "-": () => viewport.zoomOut(),
    0: () => viewport.zoomTo(1),
    1: () => viewport.fit(),
    "[": () => sibling(active, -1, commands),
    "]": () => sibling(active, 1, commands),
  };
  if (key in TURN) {
    const next = active && nextTask(active, key, model);
    if (next) commands.focus(next.key);
    return true;
  }
  if (!Object.hasOwn(keys, key) || !model.order.length) return false;
  keys[key]();
  return true;
}

/** The previous or next task that waits for the same one. */
function sibling(active, step, commands) {
  const parent = active?.into[0]?.from;
  if (!parent) return;
  const row = [...new Set(parent.out.map((edge) => edge.to))].sort((a, b) => a.y - b.y || a.x - b.x);
  const next = row[row.indexOf(active) + step];
  if (next) commands.focus(next.key);
}
