/** Graph, timeline or list: the links of the switch, without a request, kept in the address and remembered. */
import { recall, remember } from "../store.js";

const VIEWS = ["graph", "timeline", "list"];

/** @param {HTMLElement} root the element with `data-view` */
export function startViews(root) {
  const asked = new URL(location.href).searchParams.get("view");
  if (!asked && recall("run-view") === "list") show(root, "list");
  else mark(current(root));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-view-link]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    choose(root, link.dataset.viewLink);
  });
}

/** The view after the one that is shown. */
export function nextView(root) {
  choose(root, VIEWS[(VIEWS.indexOf(current(root)) + 1) % VIEWS.length]);
}

function current(root) {
  if (root.dataset.view !== "auto") return root.dataset.view;
  return matchMedia("(max-width: 719px)").matches ? "list" : "graph";
}

function choose(root, view) {
  show(root, view);
  remember("run-view", view);
  const url = new URL(location.href);
  url.searchParams.set("view", view);
  history.replaceState(history.state, "", url);
}

function show(root, view) {
  root.dataset.view = view;
  mark(view);
}

function mark(view) {
  for (const link of document.querySelectorAll("[data-view-link]")) {
    if (link.dataset.viewLink === view) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}
