/** The keyboard on the canvas. Keys work only while the focus is inside it, single ones can be switched off, and Tab always leaves. */
import { nextTask } from "../canvas/keyboard.js";
import { singleKeysOn } from "../keys.js";

const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const FAR = 4;
const PAUSE = 900; // ms after which letters begin another name

/**
 * Key → command of `act`; "mod" is Ctrl or Cmd. The sheet of shortcuts is made from the same table.
 * @type {[string, string, string][]} keys, name of the command, words
 */
export const KEYS = [
  ["Enter", "open", "Open the settings of the step"],
  ["Escape", "back", "Back: out of settings, connecting, selection"],
  ["Home", "first", "First step"],
  ["End", "last", "Last step"],
  ["[", "earlier", "Previous step of the same branch point"],
  ["]", "later", "Next step of the same branch point"],
  ["Space", "toggle", "Select or deselect the step"],
  ["mod+a", "all", "Select everything"],
  ["u", "upstream", "Select all that runs before"],
  ["d", "downstream", "Select all that runs after"],
  ["n", "add", "Add a step after the selection"],
  ["/", "add", "Add a step after the selection"],
  ["i", "insert", "Insert a step into the chosen edge"],
  ["c", "connect", "Connect to another step"],
  ["e", "edges", "Go through the edges of the step"],
  ["m", "move", "Move to…: arrows or one click place it"],
  ["g", "group", "Group the selection, or dissolve the group"],
  ["t", "tidy", "Tidy the selection, or everything"],
  ["Delete", "remove", "Delete"],
  ["Backspace", "remove", "Delete"],
  ["mod+Delete", "join", "Delete and join the neighbours"],
  ["mod+Backspace", "join", "Delete and join the neighbours"],
  ["mod+z", "undo", "Undo"],
  ["mod+shift+z", "redo", "Redo"],
  ["mod+y", "redo", "Redo"],
  ["mod+d", "duplicate", "Duplicate"],
  ["F2", "rename", "Rename in place"],
  ["+", "zoomIn", "Zoom in"],
  ["=", "zoomIn", "Zoom in"],
  ["-", "zoomOut", "Zoom out"],
  ["0", "actual", "100 %"],
  ["1", "fit", "Show everything"],
  ["2", "fitSelection", "Show the selection"],
  ["f", "find", "Find a step"],
  ["mod+f", "find", "Find a step"],
  ["mod+s", "publish", "Publish"],
  ["mod+k", "commands", "All commands"],
  ["?", "sheet", "This list"],
];
const BY_KEY = new Map(KEYS.map(([keys, command]) => [keys, command]));
/** What the browser itself makes events of: copy, cut, paste. */
export const BROWSERS = [["mod+c", "", "Copy"], ["mod+x", "", "Cut"], ["mod+v", "", "Paste"], ["Arrows", "", "Go to the nearest step, along edges first"], ["shift+Arrows", "", "Extend the selection"], ["mod+Arrows", "", "Move the selection by one grid step, with Shift by four"]];

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
