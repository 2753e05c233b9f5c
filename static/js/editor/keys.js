/** The keyboard on the canvas. Keys work only while the focus is inside it, single ones can be switched off, and Tab always leaves. */
import { nextTask } from "../canvas/keyboard.js";
import { singleKeysOn } from "../keys.js";

const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const FAR = 4;
const PAUSE = 900; // ms after which letters begin another name

/**
 * Key → command of `act`; "mod" is Ctrl or Cmd. The sheet of shortcuts is made from the same table, with the words in rarer.js.
 * @type {[string, string][]} keys, name of the command
 */
export const KEYS = [
  ["Enter", "open"],
  ["Escape", "back"],
  ["Home", "first"],
  ["End", "last"],
  ["[", "earlier"],
  ["]", "later"],
  ["Space", "toggle"],
  ["mod+a", "all"],
  ["u", "upstream"],
  ["d", "downstream"],
  ["n", "add"],
  ["/", "add"],
  ["i", "insert"],
  ["c", "connect"],
  ["e", "edges"],
  ["m", "move"],
  ["g", "group"],
  ["t", "tidy"],
  ["Delete", "remove"],
  ["Backspace", "remove"],
  ["mod+Delete", "join"],
  ["mod+Backspace", "join"],
  ["mod+z", "undo"],
  ["mod+shift+z", "redo"],
  ["mod+y", "redo"],
  ["mod+d", "duplicate"],
  ["F2", "rename"],
  ["+", "zoomIn"],
  ["=", "zoomIn"],
  ["-", "zoomOut"],
  ["0", "actual"],
  ["1", "fit"],
  ["2", "fitSelection"],
  ["f", "find"],
  ["mod+f", "find"],
  ["mod+s", "publish"],
  ["mod+k", "commands"],
  ["?", "sheet"],
];
const BY_KEY = new Map(KEYS);

/**
 * @param {HTMLElement} frame
 * @param {() => Surface} surfaceOf
 * @param {Record<string, () => void>} act commands by name
 * @param {{connecting: Connecting, carrying: () => {shift: (by: object) => void, by: () => object, drop: () => void, cancel: () => void}|null, endCarry: (keep: boolean) => void,
 *   shift: (dx: number, dy: number) => void, announce: (text: string) => void}} modes
 * @param {AbortSignal} signal
 */
export function listenToEditorKeys(frame, surfaceOf, act, modes, signal) {
  const typed = createTypeAhead(surfaceOf);
  frame.addEventListener("keydown", (event) => {
    if (event.target.closest("button, a, input, select, textarea, dialog")) return;
    if (event.ctrlKey || event.metaKey) act.soon();
    if (handle(event, surfaceOf(), act, modes, typed)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }, { signal });
}

function handle(event, surface, act, modes, typed) {
  const mod = event.ctrlKey || event.metaKey;
  if (event.altKey) return false;
  if (event.key in ARROWS) return arrow(event, mod, surface, modes);
  if (modes.carrying() && (event.key === "Enter" || event.key === "Escape")) {
    modes.endCarry(event.key === "Enter");
    return true;
  }
  if (modes.connecting.on()) {
    if (event.key === "Enter") return chooseTarget(surface, modes);
    if (!mod && event.key.length === 1 && event.key !== " " && typed(event.key)) return true;
  }
  const name = BY_KEY.get(nameOf(event, mod));
  if (!name || (!mod && event.key.length === 1 && event.key !== " " && !singleKeysOn())) return false;
  act[name]();
  return true;
}

function nameOf(event, mod) {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!mod) return key;
  return `mod+${event.shiftKey && key.length === 1 ? "shift+" : ""}${key}`;
}

function arrow(event, mod, surface, modes) {
  const [dx, dy] = ARROWS[event.key];
  const reach = event.shiftKey ? FAR : 1;
  const load = modes.carrying();
  if (load) {
    const by = load.by();
    load.shift({ x: by.x + dx * 16 * reach, y: by.y + dy * 16 * reach });
    return true;
  }
  if (mod) {
    modes.shift(dx * reach, dy * reach);
    return true;
  }
  const active = surface.stage.active();
  const next = active && nextTask(active, event.key, surface.model);
  if (!next) return true;
  if (event.shiftKey) surface.select([...surface.selection(), active.key, next.key]);
  surface.focus(next.key);
  const reason = modes.connecting.reason(next.key);
  if (reason) modes.announce(reason);
  return true;
}

function chooseTarget(surface, modes) {
  const active = surface.stage.active();
  if (active) modes.connecting.choose(active.key);
  return true;
}

/** Letters go to the next step whose name begins with them. */
function createTypeAhead(surfaceOf) {
  let text = "";
  let last = 0;
  return (letter) => {
    const now = performance.now();
    text = now - last > PAUSE ? letter : text + letter;
    last = now;
    const surface = surfaceOf();
    const found = surface.model.order.map((key) => surface.model.nodes.get(key)).find((node) => node.name.toLowerCase().startsWith(text.toLowerCase()));
    if (found) surface.focus(found.key);
    return true;
  };
}
