/**
 * Read-only drawings of workflows, on the workflow page and in previews: every `data-workflow-canvas="<id>"` names the
 * `<script type="application/json">` it is drawn from, GraphData with `selected` for the task that is meant. Opening a task is told to the page by
 * the event `task:open`; its address, when the page has one for it, is `data-task-url` with the key added. `data-save-picture` saves it.
 * What comes later with `data-redraws="<id of a host>"` holds in `data-drawing` what is drawn there from then on.
 */
import { mountCanvas } from "./canvas/canvas.js";
import { show } from "./toasts.js";

const mounted = new WeakMap();

function mount(host) {
  const source = document.getElementById(host.dataset.workflowCanvas);
  if (!source || mounted.has(host)) return;
  draw(host, source.textContent);
  for (const button of host.querySelectorAll("[data-save-picture]")) {
    button.addEventListener("click", () => save(mounted.get(host).canvas, host, button));
  }
}

/** Also instead of what was drawn there before, unless that is the same. */
function draw(host, text) {
  const before = mounted.get(host);
  if (before?.text === text) return;
  before?.canvas.destroy();
  host.style.height = "";
  const address = host.dataset.taskUrl;
  const data = JSON.parse(text);
  const canvas = mountCanvas(host, data, {
    label: host.dataset.label,
    embedded: "embedded" in host.dataset,
    selected: data.selected,
    size: host.dataset.size,
    onOpen(key) {
      host.dispatchEvent(new CustomEvent("task:open", { bubbles: true, detail: { key } }));
      if (address) location.assign(address + encodeURIComponent(key));
    },
  });
  mounted.set(host, { canvas, text });
}

/** Loaded when it is first asked for: few pages are saved. */
async function save(canvas, host, button) {
  button.disabled = true;
  try {
    const { savePicture } = await import("./canvas/export.js");
    const said = await savePicture(canvas, host.dataset.pictureName, button.dataset.savePicture, host.dataset.label);
    if (said) show(said);
  } catch (error) {
    show(`The picture was not saved. ${error.message}`, "failed");
  } finally {
    button.disabled = false;
    button.focus();
  }
}

/** @param {Document|Element} root what came, itself among it */
function mountAll(root) {
  const own = root instanceof Element && root.matches("[data-redraws]") ? [root] : [];
  for (const news of [...own, ...root.querySelectorAll("[data-redraws]")]) {
    const host = document.getElementById(news.dataset.redraws);
    if (mounted.has(host)) draw(host, news.dataset.drawing);
  }
  for (const host of root.querySelectorAll("[data-workflow-canvas]")) mount(host);
}

mountAll(document);
// What is morphed stays the same element, and is not told of as new.
for (const news of ["htmx:load", "htmx:afterSwap"]) document.addEventListener(news, (event) => mountAll(event.target));
// What a page takes away itself says so before: a drawing listens to more than its own element.
document.addEventListener("workflow:gone", (event) => {
  for (const host of event.target.querySelectorAll("[data-workflow-canvas]")) mounted.get(host)?.canvas.destroy();
});
