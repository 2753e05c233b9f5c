/**
 * The pages of a draft that work without scripts, while there are scripts: who else has it open, and a bar when somebody
 * has changed it since. What is typed stays as it is. On the page:
 *
 *   <div data-watch="/ws/…/" data-changes="/api/…/draft/changes" data-rev="44" data-at="load" hidden></div>
 *   <div data-changed hidden><p data-changed-text></p><a data-changed-show href="…">Show</a></div>
 */
import { announceSoon } from "../announce.js";
import { createPeople } from "./people.js";
import { joinDraft } from "./presence.js";

function watch(host) {
  const people = createPeople(host, { nameOf: (key) => document.querySelector(`#step-${CSS.escape(key)} b`)?.textContent });
  const bar = createBar(document.querySelector("[data-changed]"));
  let me = { id: 0 };
  let sending = false;
  document.addEventListener("submit", () => {
    sending = true;
  });
  const link = joinDraft(
    host.dataset.watch,
    {
      onHello(hello) {
        me = hello.me;
        people.show(hello.people, me);
      },
      onPeople: (found) => people.show(found, me),
      onRev(revision) {
        // The page that answers is on its way, and shows it.
        if (!(revision.mine && sending)) bar.tell(revision);
      },
      onLost: () => people.clear(),
    },
    { changes: host.dataset.changes, rev: Number(host.dataset.rev) },
  );
  link.at(host.dataset.at || null);
}

/** Collects who has done what; the last message says all of it. */
function createBar(bar) {
  const names = new Set();
  let published = true;
  const show = bar.querySelector("[data-changed-show]");
  /** Going there in this window would take what was typed here with it. */
  const aim = () => {
    const typed = isTyped();
    show.textContent = typed ? "Show in a new tab" : "Show";
    if (typed) show.target = "_blank";
    else show.removeAttribute("target");
  };
  for (const event of ["input", "change"]) document.addEventListener(event, aim);
  return {
    tell({ rev, by, mine, kind }) {
      names.add(mine ? "You" : (by ?? "Somebody"));
      published &&= kind === "publish";
      const what = `${published ? "published" : "changed"} this draft${names.has("You") ? " elsewhere" : ""}`;
      const text = `${listed([...names])} ${what}; revision ${rev}.`;
      bar.querySelector("[data-changed-text]").textContent = text;
      bar.hidden = false;
      aim();
      announceSoon(text);
    },
  };
}

/** Anna; Anna and Bo; Anna, Bo and Cy. */
function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** Whether anything stands here that the server has not stored: typed, or sent back because it was refused. */
function isTyped() {
  if (document.querySelector("main [data-focus]")) return true;
  const fields = [...document.querySelectorAll("main form :is(input:not([type=hidden]), textarea, select)")];
  return fields.some((field) => {
    if (field instanceof HTMLSelectElement) return [...field.options].some((one) => one.selected !== one.defaultSelected);
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    return field.value !== field.defaultValue;
  });
}

const host = document.querySelector("[data-watch]");
if (host) watch(host);
