/** The editor's page: puts session, canvas, inspector, problems and presence together. Data comes from `#editor-data`. */
import { announceNow as announce } from "../announce.js";
import { show as toast } from "../toasts.js";
import { createClaim, carry, edgeAt } from "./gestures.js";
import { createCommands } from "./commands.js";
import { createConnecting } from "./connect.js";
import { createFlows } from "./flows.js";
import { GROUP } from "./graph.js";
import { createBar, createPlus } from "./hover.js";
import { listenToEditorKeys } from "./keys.js";
import { createMinimap } from "./minimap.js";
import { createPalette } from "./palette.js";
import { createProblems } from "./problems.js";
import { createSavedLabel } from "./saved.js";
import { createSession } from "./session.js";
import { createSidebar } from "./sidebar.js";
import { memoryStore, openStore } from "./store.js";
import { createSurface } from "./surface.js";
import { createTogether } from "./together.js";

const LONG_PRESS = 550;

async function start() {
  const page = document.querySelector("[data-editor]");
  const data = JSON.parse(document.getElementById("editor-data").textContent);
  const store = await openStore(data.place).catch(memoryStore);
  const session = createSession({ draft: data.draft, url: data.api, csrf: data.csrf, store });
  const find = (name) => page.querySelector(`[data-part="${name}"]`);
  let surface = null;
  let [plus, bar, minimap, sidebar, together] = [];
  let load = null;
  let space = false;
  const edit = (ops, how) => {
    session.edit(ops, how);
    announce(how.label);
  };

  const context = { surface: () => surface, session, edit, announce, actions: data.actions, data, page };
  const commands = createCommands(context);
  const connecting = createConnecting(() => surface, {
    edit,
    announce,
    addAt: (point, link) => flows.add({ at: point, ...link }),
    onMode: mode,
  });
  const flows = createFlows({ ...context, commands, connecting, find, startCarry, mode });

  function mode(on, text) {
    const line = find("mode");
    line.hidden = !on;
    line.querySelector("span").textContent = text;
    if (text) announce(text);
  }

  function startCarry() {
    if (!surface.selection().size && surface.stage.active()) surface.select([surface.stage.active().key]);
    if (!surface.selection().size) return announce("Select what is to be moved first.");
    load = carry(surface, { edit });
    mode(true, "Moving. Arrows move by one grid step, with Shift by four; a click places it. Enter keeps, Escape leaves it where it was.");
  }
  function endCarry(keep) {
    const held = load;
    load = null;
    mode(false, "");
    if (keep) held?.drop();
    else held?.cancel();
  }

  surface = createSurface(find("canvas"), {
    draft: session.draft(),
    actions: data.actions,
    label: `Workflow canvas of ${data.draft.definition.name || data.name}`,
    claim: createClaim(() => surface, { edit, connectFrom: connecting.pull, panning: () => space || load !== null, touchDown: (event) => longPress(event, surface, flows) }),
    onSelect: () => selected(),
  });
  plus = createPlus(surface);
  bar = createBar(find("bar"), surface);
  minimap = createMinimap(find("minimap"), surface);
  sidebar = createSidebar(find("inspector"), { ...context, commands, flows });
  const saved = createSavedLabel(find("saved"), { retry: session.retry });
  let dispute = null;
  const problems = createProblems(find("problems"), {
    draft: session.draft,
    jump: (key, path) => go(key, path),
    mend: (fix) => edit(fix.ops, { label: fix.label }),
  });
  together = createTogether({ ...context, find, go });
  createPalette(find("palette"), { surface, commands, flows, edgeAt });

  function selected() {
    bar?.update();
    plus?.show();
    sidebar?.show();
    together?.at(commands.keys()[0] ?? null);
  }
  function go(key, path = "") {
    surface.select(key ? [key] : []);
    if (key) surface.focus(key);
    sidebar.show(path);
  }

  session.events.addEventListener("change", ({ detail }) => {
    surface.update(detail.now);
    find("empty").hidden = surface.model.order.length > 0;
    minimap.changed();
    sidebar.changed(detail);
    document.title = `${detail.now.name || data.name}, editor · Baton`;
  });
  session.events.addEventListener("status", ({ detail }) => {
    saved.show(detail);
    find("undo").disabled = !detail.canUndo;
    find("redo").disabled = !detail.canRedo;
    for (const one of document.querySelectorAll("[data-rev]")) one.value = String(detail.rev);
  });
  session.events.addEventListener("issues", ({ detail }) => {
    surface.setProblems(problems.show(detail));
    sidebar.checked();
  });
  session.events.addEventListener("dispute", async ({ detail }) => {
    const { createDisputeBar } = await import("./dispute.js").catch(() => ({}));
    if (!createDisputeBar) return toast("Somebody changed the same place. Load the page again to choose whose stands.", "failed");
    dispute ??= createDisputeBar(find("dispute"), { draft: session.draft, settle: session.settle, jump: (key) => go(key) });
    dispute.show(detail);
    announce("Somebody changed the same place. Choose whose stands.");
  });
  session.events.addEventListener("refused", ({ detail }) => toast(`${detail.label}: ${detail.message}`, "failed"));
  session.events.addEventListener("unstored", () => toast("This browser keeps nothing here: stay on the page until the draft is saved.", "failed"));

  // What not every sitting needs comes when it is asked for.
  const picture = (kind) =>
    import("../canvas/export.js")
      .then(({ savePicture }) => savePicture(surface, data.key, kind, data.name))
      .catch((error) => toast(`The picture was not saved. ${error.message}`, "failed"));
  let trying = null;
  async function tryIt() {
    const { createTrying } = await import("./trying.js");
    trying ??= createTrying({ ...context, find, commands });
    return trying.open();
  }
  const act = {
    ...flows.acts({ endCarry, carrying: () => load !== null, sidebar }),
    tryIt: () => tryIt().catch(() => toast("The server does not answer. Try again in a moment.", "failed")),
    saveSvg: () => picture("svg"),
    savePng: () => picture("png"),
  };
  const { frame } = surface.stage;
  const signal = surface.stage.stop.signal;
  listenToEditorKeys(frame, () => surface, act, { connecting, carrying: () => load, endCarry, shift: commands.shift, announce }, signal);
  listenToPointer({ frame, surface, connecting, flows, plus, commands, carrying: () => load, endCarry });
  listenToClipboard(frame, commands);
  for (const [down, value] of [["keydown", true], ["keyup", false]]) {
    addEventListener(down, (event) => {
      if (event.code === "Space" && event.target === document.body) space = value;
    });
  }
  page.addEventListener("click", (event) => {
    const name = event.target.closest("[data-act]")?.dataset.act;
    if (name) act[name]?.();
  });
  surface.setProblems(problems.show(data.draft.issues));
  sidebar.show();
  const recovered = await session.recover();
  if (recovered) announce(`${recovered} edits that were not saved last time are being saved now.`);
  page.dataset.ready = "";
  document.dispatchEvent(new CustomEvent("editor:ready", { detail: { session, surface, go, carry: () => carry(surface, { edit }) } }));
}

function listenToPointer({ frame, surface, connecting, flows, plus, commands, carrying, endCarry }) {
  frame.addEventListener("click", (event) => {
    if (surface.viewport.dragged()) return;
    const target = event.target;
    const point = surface.viewport.pointAt(event.clientX, event.clientY);
    const key = target.closest("[data-key]")?.dataset.key ?? surface.sight.at(point)?.key;
    if (carrying()) {
      const first = surface.chosen()[0];
      if (first) carrying().shift({ x: point.x - first.w / 2 - first.x + carrying().by().x, y: point.y - first.h / 2 - first.y + carrying().by().y });
      return endCarry(true);
    }
    if (target.closest("[data-plus]")) return flows.add({ into: plus.edge() });
    if (target.closest("[data-fold]")) return commands.fold(target.closest("[data-fold]").dataset.fold);
    if (connecting.on()) return key ? connecting.choose(key) : void connecting.stop();
    const port = target.closest("[data-port]");
    if (port) return connecting.begin(key, port.dataset.port);
    choose(event, surface, key);
  });
  frame.addEventListener("dblclick", (event) => {
    const point = surface.viewport.pointAt(event.clientX, event.clientY);
    const decor = event.target.closest("[data-decor]")?.dataset.decor;
    const key = event.target.closest("[data-key]")?.dataset.key;
    if (decor) flows.write(decor);
    else if (key?.startsWith(GROUP)) commands.fold(key);
    else if (key) flows.open();
    else if (!event.target.closest("[data-edge]")) flows.add({ at: { x: point.x - 100, y: point.y - 32 } });
  });
  frame.addEventListener("pointermove", (event) => {
    if (connecting.on() && !event.buttons) connecting.follow(event);
  });
}

function choose(event, surface, key) {
  const decor = event.target.closest("[data-decor]")?.dataset.decor;
  const edge = event.target.closest("[data-edge]")?.dataset.edge;
  const one = key ?? decor;
  const more = event.shiftKey || event.ctrlKey || event.metaKey;
  const node = surface.model.nodes.get(key ?? "");
  if (node?.disc) return;
  if (one && more) surface.toggle(one);
  else if (one) surface.select([one]);
  else if (edge) surface.chooseEdge(surface.model.edges.find((other) => other.id === edge) ?? null);
  else if (!more) surface.select([]);
  if (key) surface.focus(key);
  else surface.stage.active() && surface.view.element(surface.stage.active()).focus({ preventScroll: true });
}

function listenToClipboard(frame, commands) {
  const within = () => frame.contains(document.activeElement);
  document.addEventListener("copy", (event) => take(event, false));
  document.addEventListener("cut", (event) => take(event, true));
  document.addEventListener("paste", (event) => {
    if (!within()) return;
    event.preventDefault();
    commands.paste(event.clipboardData.getData("text/plain"));
  });
  function take(event, gone) {
    if (!within()) return;
    const text = commands.clipped();
    if (!text) return;
    event.preventDefault();
    event.clipboardData.setData("text/plain", text);
    if (gone) commands.remove(false);
  }
}

/** A finger that stays: on empty ground a step is added there. */
function longPress(event, surface, flows) {
  if (event.target.closest("[data-key], [data-decor], [data-edge]")) return;
  const stop = new AbortController();
  const timer = setTimeout(() => {
    stop.abort();
    const point = surface.viewport.pointAt(event.clientX, event.clientY);
    flows.add({ at: { x: point.x - 100, y: point.y - 32 } });
  }, LONG_PRESS);
  const end = (other) => {
    const moved = other.type === "pointermove" && Math.hypot(other.clientX - event.clientX, other.clientY - event.clientY) < 8;
    if (moved) return;
    clearTimeout(timer);
    stop.abort();
  };
  for (const name of ["pointermove", "pointerup", "pointercancel"]) surface.stage.surface.addEventListener(name, end, { signal: stop.signal });
}

start();
