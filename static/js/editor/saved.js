/** What the label in the head says: how far the draft is saved, and never more than that. And the bar for what two people want differently. */
import { tasksOf } from "./document.js";

const WORDS = {
  saving: () => "Saving…",
  retrying: (n) => `Not saved, retrying. ${edits(n)} kept in this browser`,
  "signed-out": (n) => `Not saved: you are signed out. ${edits(n)} kept in this browser; sign in in another tab`,
  held: (n) => `Not saved: choose below. ${edits(n)} kept in this browser`,
};

function edits(n) {
  return n === 1 ? "1 edit is" : `${n} edits are`;
}

/** @param {HTMLElement} host @param {{retry: () => void}} act */
export function createSavedLabel(host, { retry }) {
  const words = host.querySelector("[data-saved-words]");
  const again = host.querySelector("[data-saved-retry]");
  again.addEventListener("click", retry);
  return {
    /** @param {{state: string, waiting: number, rev: number, at: Date}} status */
    show({ state, waiting, rev, at }) {
      const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
      words.textContent = state === "saved" ? `Draft rev ${rev}, saved ${time}` : WORDS[state](waiting);
      host.dataset.state = state;
      again.hidden = !["retrying", "signed-out"].includes(state);
    },
  };
}

/**
 * @param {HTMLElement} bar
 * @param {{draft: () => any, settle: (whose: "mine"|"theirs") => void, jump: (key: string) => void}} act
 */
export function createDisputeBar(bar, { draft, settle, jump }) {
  const text = bar.querySelector("[data-dispute-text]");
  const sides = bar.querySelector("ul");
  let disputes = [];
  bar.addEventListener("click", (event) => {
    const whose = event.target.closest("[data-settle]")?.dataset.settle;
    if (whose) {
      bar.hidden = true;
      settle(whose);
    } else if (event.target.closest("[data-show]") && disputes[0]?.path[0] === "tasks") jump(disputes[0].path[1]);
  });
  return {
    /** @param {{disputes: {path: string[], by: string, mine?: any, theirs?: any}[]}} detail */
    show(detail) {
      disputes = detail.disputes;
      const who = [...new Set(disputes.map((one) => one.by))].join(" and ") || "Somebody";
      text.textContent = `${who} changed the same ${disputes.length === 1 ? "place" : "places"} meanwhile.`;
      sides.replaceChildren(...disputes.slice(0, 6).map((one) => {
        const item = document.createElement("li");
        item.textContent = `${placeOf(draft(), one.path)}: theirs ${worded(one.theirs)}, yours ${worded(one.mine)}`;
        return item;
      }));
      bar.hidden = false;
    },
  };
}

function placeOf(draft, path) {
  if (path[0] !== "tasks") return path.join(" ");
  return [tasksOf(draft)[path[1]]?.name || path[1], ...path.slice(2)].join(", ");
}

function worded(value) {
  if (value === undefined) return "taken away";
  const text = typeof value === "string" ? `“${value}”` : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
