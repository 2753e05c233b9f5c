/** Others at the same draft: who is here and where, and what they have just done, told in a quiet bar that keeps nobody from working. */
import { svg } from "../canvas/dom.js";
import { tasksOf } from "./document.js";
import { createPeople } from "./people.js";
import { joinDraft } from "./presence.js";

/**
 * @param {{page: HTMLElement, find: (name: string) => HTMLElement, surface: () => any, session: any, data: any, go: (key: string|null) => void}} parts
 */
export function createTogether({ find, surface: surfaceOf, session, data, go }) {
  const people = createPeople(document.querySelector("[data-people]"), { nameOf: (key) => tasksOf(session.draft())[key]?.name });
  const bar = find("others");
  const rings = svg("g", { class: "who" });
  surfaceOf().view.front.append(rings);
  let me = { id: 0 };
  let here = [];
  let last = null;
  let by = null;

  const draw = () => {
    const model = surfaceOf().model;
    rings.replaceChildren(...here.filter((one) => one.id !== me.id && model.nodes.has(one.at ?? "")).map((one) => ring(model.nodes.get(one.at), one.name)));
  };
  const show = (found) => {
    here = found;
    people.show(found, me);
    draw();
  };
  const link = joinDraft(data.socket, {
    onHello(hello) {
      me = hello.me;
      show(hello.people);
      session.heard(hello.rev);
    },
    onPeople: show,
    onRev(revision) {
      if (!revision.mine) by = revision.by ?? "Somebody";
      session.heard(revision.rev);
    },
    onLost() {
      here = [];
      people.clear();
      draw();
    },
  }, { changes: `${data.api}/changes`, rev: data.draft.rev });

  session.events.addEventListener("change", ({ detail }) => {
    draw();
    if (detail.cause !== "others" || !by) return;
    const steps = changedSteps(detail.before, detail.now);
    last = steps.find((key) => tasksOf(detail.now)[key]) ?? null;
    bar.querySelector("span").textContent = `${by} changed ${steps.length === 1 ? tasksOf(detail.now)[steps[0]]?.name || steps[0] : steps.length ? `${steps.length} steps` : "the workflow"}.`;
    bar.hidden = false;
    by = null;
  });
  bar.querySelector("[data-others-show]").addEventListener("click", () => {
    bar.hidden = true;
    go(last);
  });
  bar.querySelector("[data-others-close]").addEventListener("click", () => {
    bar.hidden = true;
  });
  return { at: link.at };
}

function changedSteps(before, now) {
  const [old, fresh] = [tasksOf(before), tasksOf(now)];
  return [...new Set([...Object.keys(old), ...Object.keys(fresh)])].filter((key) => old[key] !== fresh[key]);
}

function ring(node, name) {
  const width = Math.min(190, 16 + name.length * 7);
  const tag = svg("g", { class: "who-tag" }, svg("rect", { x: node.x + 8, y: node.y - 25, width, height: 19, rx: 5 }), svg("text", { class: "n-mid", x: node.x + 8 + width / 2, y: node.y - 11.5 }, name));
  return svg("g", {}, svg("rect", { class: "who-ring", x: node.x - 5, y: node.y - 5, width: node.w + 10, height: node.h + 10, rx: 14 }), tag);
}
