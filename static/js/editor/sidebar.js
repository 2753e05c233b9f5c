/** The panel beside the canvas: the settings of the chosen step, of several, of an edge, or of the workflow. */
import { show as toast } from "../toasts.js";
import { startTabs } from "./tabs.js";

/** @param {HTMLElement} host @param {any} parts see main.js */
export function createSidebar(host, { surface: surfaceOf, session, edit, announce, commands, data, page }) {
  const form = host.querySelector("[data-inspector]");
  const several = host.querySelector("[data-several]");
  const said = host.querySelector("[data-several-words]");
  let shown;
  let due = false;
  let stale = false; // what is shown is no longer what is in the draft
  let wanted = false; // the focus, once there is something to take it
  const tabs = startTabs(form);
  tabs.settle();
  const options = {
    tabs,
    url: (key) => (key ? `${data.inspector}${encodeURIComponent(key)}/` : data.inspector),
    // The form is drawn by the server from the stored draft: it answers once the edit is there.
    async send(ops, how) {
      edit(ops, how);
      const renamed = ops.find((one) => one.op === "rename");
      if (renamed) surfaceOf().select([renamed.to]);
      return session.flush();
    },
    task: () => shown,
    readDraft: session.draft,
    announce,
  };
  let coming = null;
  let mounted = null;

  /** The form is in the page; what reads and sends it comes with the first step that is chosen, or when it is touched. */
  function inspector() {
    coming ??= import("./inspector.js").then(({ mountInspector }) => (mounted = mountInspector(form, options)));
    return coming.catch(() => {
      coming = null;
      toast("The settings could not be loaded. Choose the step again in a moment.", "failed");
    });
  }
  const within = async (act) => {
    const one = mounted ?? (await inspector());
    if (one) act(one);
  };
  for (const name of ["focusin", "pointerover"]) form.addEventListener(name, () => inspector(), { once: true });
  form.addEventListener("click", async (event) => {
    const button = event.target.closest("button, a");
    if (mounted || !button) return;
    event.preventDefault();
    if (await inspector()) button.click();
  }, { capture: true });
  page.addEventListener("editor:inspect", () => {
    show();
    wanted = due;
    if (!due) within((one) => one.focusFirst());
  });
  host.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    const active = surfaceOf().stage.active();
    if (active) surfaceOf().focus(active.key);
  });

  /** @param {string} [path] a field that is meant */
  function show(path = "") {
    const surface = surfaceOf();
    if (!surface) return;
    const keys = commands.keys();
    const edge = surface.edge();
    several.hidden = keys.length < 2 && !edge;
    form.hidden = !several.hidden;
    if (!several.hidden) {
      said.textContent = edge ? `From ${edge.from.name} to ${edge.to.name}` : `${keys.length} steps are selected`;
      for (const part of several.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== (edge ? "edge" : "steps");
      return;
    }
    const key = keys[0] ?? null;
    if (shown !== key) {
      shown = key;
      ask();
    }
    if (path) within((one) => one.focusField(path));
  }

  /** The server cannot show a step before it has it. */
  function ask() {
    due = !session.hasStored(shown);
    if (due || (shown === null && !mounted)) return; // the page came with the workflow's own
    const focus = wanted;
    wanted = false;
    const key = shown;
    within((one) => {
      one.show(key);
      if (focus) one.focusFirst();
    });
  }

  /** The draft has changed. What the server draws is asked for anew once the edits pause, and only if it shows something of them. */
  function changed({ before, now, cause }) {
    if (shown === undefined) return;
    stale ||= shown ? before.tasks?.[shown] !== now.tasks?.[shown] : !sameAround(before, now);
    if (cause !== "edit" && due) ask();
  }

  /** The problems of the draft as it is now are known: those beside the fields are, too. */
  function checked() {
    if (stale && !due && session.hasStored(shown)) within((one) => one.refresh(shown));
    stale = false;
  }
  return { show, changed, checked };
}

/** Whether the workflow's own form would look the same. */
function sameAround(before, now) {
  const own = ["name", "description", "parameters", "settings"];
  return own.every((name) => before[name] === now[name]) && Object.keys(before.tasks ?? {}).length === Object.keys(now.tasks ?? {}).length;
}
