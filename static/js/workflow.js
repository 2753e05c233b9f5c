/**
 * Read-only drawings of workflows, on the workflow page and in previews: every `data-workflow-canvas="<id>"` names the
 * `<script type="application/json">` it is drawn from, GraphData with `selected` for the task that is meant. A task's address, when the page has one for it, is `data-task-url` with
 * the key added.
 */
import { mountCanvas } from "./canvas/canvas.js";

function mount(host) {
  const source = document.getElementById(host.dataset.workflowCanvas);
  if (!source || host.dataset.mounted) return;
  host.dataset.mounted = "yes";
  const address = host.dataset.taskUrl;
  const data = JSON.parse(source.textContent);
  mountCanvas(host, data, {
    label: host.dataset.label,
    embedded: "embedded" in host.dataset,
    selected: data.selected,
    size: host.dataset.size,
    onOpen: address ? (key) => location.assign(address + encodeURIComponent(key)) : undefined,
  });
}

function mountAll(root) {
  for (const host of root.querySelectorAll("[data-workflow-canvas]")) mount(host);
}

mountAll(document);
document.addEventListener("htmx:load", (event) => mountAll(event.target));
