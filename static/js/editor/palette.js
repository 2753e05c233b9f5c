/** The steps that can be added: a click adds one after the selection, a drag puts it where it is let go: on the ground, on an edge. */
/**
 * @param {HTMLElement} host with buttons `data-add="<action>"`, `data-add="note"`, `data-add="group"`
 * @param {{surface: Surface, commands: Commands, flows: any, edgeAt: function}} parts
 */
export function createPalette(host, { surface, commands, flows, edgeAt }) {
  host.addEventListener("click", (event) => {
    const what = event.target.closest("[data-add]")?.dataset.add;
    if (what) put(what, null);
  });
  host.addEventListener("dragstart", (event) => {
    const what = event.target.closest("[data-add]")?.dataset.add;
    if (!what) return;
    event.dataTransfer.setData("application/x-baton-action", what);
    event.dataTransfer.effectAllowed = "copy";
  });
  const { frame } = surface.stage;
  frame.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("application/x-baton-action")) return;
    event.preventDefault();
    surface.view.chooseEdge(edgeAt(surface, surface.viewport.pointAt(event.clientX, event.clientY)) ?? surface.edge());
  });
  frame.addEventListener("dragleave", () => surface.view.chooseEdge(surface.edge()));
  frame.addEventListener("drop", (event) => {
    const what = event.dataTransfer.getData("application/x-baton-action");
    if (!what) return;
    event.preventDefault();
    put(what, surface.viewport.pointAt(event.clientX, event.clientY));
  });
  const search = host.querySelector("[data-palette-search]");
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    for (const button of host.querySelectorAll("[data-add]")) button.hidden = Boolean(wanted) && !button.textContent.toLowerCase().includes(wanted);
    for (const part of host.querySelectorAll("[data-palette-part]")) part.hidden = !part.querySelector("[data-add]:not([hidden])");
  });
  search.addEventListener("keydown", (event) => {
    const first = host.querySelector("[data-add]:not([hidden])");
    if (event.key !== "Enter" || !first) return;
    event.preventDefault();
    put(first.dataset.add, null);
    search.value = "";
    search.dispatchEvent(new Event("input"));
  });

  function put(what, point) {
    if (what === "note") return flows.note(point);
    if (what === "group") return flows.group();
    const into = point ? edgeAt(surface, point) : surface.edge();
    const [after] = point ? [] : commands.keys();
    commands.add(what, { at: point && !into ? { x: point.x - 100, y: point.y - 32 } : null, into, from: into ? undefined : after });
  }
}
