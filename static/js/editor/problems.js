/** Everything that is wrong with the draft, live, below the canvas; each leads to its place, some are mended with one click. */
import { symbol } from "../canvas/dom.js";
import { tasksOf } from "./document.js";

const SHOWN = 200;

/**
 * @param {HTMLElement} host
 * @param {{draft: () => any, jump: (key: string|null, path: string) => void, mend: (fix: {label: string, ops: object[]}) => void}} act
 */
export function createProblems(host, { draft, jump, mend }) {
  const list = host.querySelector("ul");
  const count = host.querySelector("[data-problem-count]");
  const stops = host.querySelector("[data-problem-stops]");
  let issues = [];

  list.addEventListener("click", (event) => {
    const issue = issues[Number(event.target.closest("[data-at]")?.dataset.at)];
    if (!issue) return;
    if (event.target.closest("[data-mend]")) mend(issue.fix);
    else jump(taskOf(draft(), issue.path), issue.path);
  });

  return {
    /** @param {object[]} next @returns {Map<string, object[]>} by task */
    show(next) {
      issues = [...next].sort((a, b) => Number(a.severity !== "error") - Number(b.severity !== "error"));
      const errors = issues.filter((issue) => issue.severity === "error").length;
      count.textContent = issues.length ? `${issues.length} ${issues.length === 1 ? "problem" : "problems"}` : "No problems";
      stops.textContent = errors ? `${errors} ${errors === 1 ? "stops" : "stop"} publishing` : issues.length ? "none stops publishing" : "";
      list.replaceChildren(...issues.slice(0, SHOWN).map((issue, at) => row(issue, at, draft())));
      host.classList.toggle("is-empty", !issues.length);
      return byTask(issues, draft());
    },
  };
}

/** The task that a path leads into; null for the workflow itself. */
function taskOf(draft, path) {
  const found = /^tasks\.([A-Za-z][\w-]*)/.exec(path);
  return found && Object.hasOwn(tasksOf(draft), found[1]) ? found[1] : null;
}

function byTask(issues, draft) {
  const found = new Map();
  for (const issue of issues) {
    const key = taskOf(draft, issue.path);
    if (key) found.set(key, [...(found.get(key) ?? []), issue]);
  }
  return found;
}

function row(issue, at, draft) {
  const error = issue.severity === "error";
  const item = document.createElement("li");
  item.className = error ? "s-failed" : "s-retrying";
  item.dataset.at = String(at);
  const key = taskOf(draft, issue.path);
  const where = button("link-plain", key ? tasksOf(draft)[key]?.name || key : "The workflow");
  const said = document.createElement("span");
  said.className = "issue-text";
  said.textContent = issue.message;
  item.append(glyph(error ? "g-failed" : "g-warn"), hidden(error ? "Error" : "Advice"), where, said);
  if (issue.fix) {
    const mend = button("link-plain issue-mend", issue.fix.label);
    mend.dataset.mend = "";
    item.append(mend);
  }
  return item;
}

function button(className, text) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", className, textContent: text });
  return made;
}

function hidden(text) {
  const made = document.createElement("span");
  Object.assign(made, { className: "sr", textContent: `${text}: ` });
  return made;
}

function glyph(id) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("class", "gl gl-16");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", symbol(id));
  picture.append(use);
  return picture;
}
