/**
 * The panel beside the canvas. Opening a task fetches its panel into #panel and puts `?task=` into the page's address;
 * `data-close-panel` closes it. Parts marked `data-refresh="task|events|head"` ask for themselves again, by their own
 * `hx-get` on the trigger "refresh", when what they show has changed.
 */

const QUIET = 500; // ms between two refreshes of the same part

/**
 * @param {string} address of a task's panel, with KEY in place of its key
 * @param {{onOpen: (key: string|null) => void, onLeave: (key: string) => void}} on `onLeave`: Escape was pressed in the panel of this task
 */
export function createPanel(address, { onOpen, onLeave }) {
  const panel = document.getElementById("panel");
  const start = new URL(location.href).searchParams.get("task");
  let key = start;

  const load = async (next, focus) => {
    key = next;
    onOpen(next);
    if (!panel) return;
    panel.hidden = next === null;
    if (next === null) return;
    const url = address.replace("KEY", encodeURIComponent(next));
    await globalThis.htmx.ajax("GET", url, { target: "#panel", swap: "innerHTML" });
    if (key !== next) return;
    if (focus) panel.querySelector("h2")?.focus();
  };
  const go = (next, focus) => {
    if (next === key) return;
    const url = new URL(location.href);
    url.searchParams.delete("tab");
    if (next === null) url.searchParams.delete("task");
    else url.searchParams.set("task", next);
    history.pushState({ task: next }, "", url);
    load(next, focus);
  };
  globalThis.addEventListener("popstate", () => load(new URL(location.href).searchParams.get("task"), false));
  document.addEventListener("click", (event) => {
    const tab = event.target.closest("#panel .tabs a");
    if (tab) keepTab(new URL(tab.href).searchParams.get("tab"));
    const opener = event.target.closest("[data-open-task]");
    if (opener && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      go(opener.dataset.openTask, opener.matches("a"));
    } else if (event.target.closest("[data-close-panel]")) {
      event.preventDefault();
      go(null, false);
    }
  });
  panel?.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || key === null || panel.querySelector("details[data-menu][open]")) return;
    const left = key;
    go(null, false);
    onLeave(left);
  });
  return { key: () => key, open: (next, byKey = false) => go(next, byKey), close: () => go(null, false) };
}

/** The tab that is shown is in the address too, so that reloading or sending it on shows the same. */
function keepTab(name) {
  const url = new URL(location.href);
  url.searchParams.set("tab", name);
  history.replaceState(history.state, "", url);
}

/** @type {Map<string, number>} */
const planned = new Map();

/** @param {"task"|"events"|"head"} part */
export function refresh(part) {
  if (planned.has(part)) return;
  planned.set(part, setTimeout(() => {
    planned.delete(part);
    for (const element of document.querySelectorAll(`[data-refresh~="${part}"]`)) globalThis.htmx?.trigger(element, "refresh");
  }, QUIET));
}
