/**
 * Tabs over the parts of a panel, as screen readers know them: one tab stop, arrows move, Home and End go to the ends. The parts
 * carry `data-tab-panel`, the list of them names its tabs in `data-tabs`; without this script every part is shown.
 *
 * @param {HTMLElement} element whose content may be replaced: `settle` puts the tabs in order again
 */
export function startTabs(element) {
  let chosen = "";

  const names = () => (element.querySelector("[data-tabs]")?.dataset.tabs ?? "").split(" ").filter(Boolean);
  const settle = () => {
    const list = element.querySelector("[data-tabs]");
    if (!list) return;
    const known = names();
    if (list.children.length !== known.length) list.replaceChildren(...known.map(tabOf));
    list.hidden = false;
    if (!known.some((name) => name.toLowerCase() === chosen)) chosen = known[0].toLowerCase();
    for (const tab of list.children) mark(tab, tab.dataset.tab === chosen);
    for (const part of element.querySelectorAll("[data-tab-panel]")) show(part, part.dataset.tabPanel === chosen);
  };
  const choose = (name) => {
    chosen = name;
    settle();
  };
  element.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab && element.contains(tab)) choose(tab.dataset.tab);
  });
  element.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.("[role=tab]");
    const next = tab && neighbour(tab, event.key);
    if (!next) return;
    event.preventDefault();
    choose(next.dataset.tab);
    next.focus();
  });
  /** Shows the part in which this stands. */
  const reveal = (target) => {
    const part = target.closest("[data-tab-panel]");
    if (part) choose(part.dataset.tabPanel);
  };
  return { settle, reveal };
}

function tabOf(name) {
  const tab = document.createElement("button");
  const id = name.toLowerCase();
  Object.assign(tab, { type: "button", id: `inspect-tab-of-${id}`, textContent: name });
  tab.dataset.tab = id;
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", `inspect-tab-${id}`);
  return tab;
}

function mark(tab, on) {
  tab.setAttribute("aria-selected", String(on));
  tab.tabIndex = on ? 0 : -1;
}

function show(part, on) {
  part.hidden = !on;
  part.setAttribute("role", "tabpanel");
  part.setAttribute("aria-labelledby", `inspect-tab-of-${part.dataset.tabPanel}`);
}

function neighbour(tab, key) {
  const tabs = [...tab.parentElement.children];
  const at = tabs.indexOf(tab);
  const wanted = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[key];
  return wanted === undefined ? null : tabs.at(wanted % tabs.length);
}
