/** The bar for what two people want differently: what each made of it, and whose stands. Fetched with the first dispute. */
import { tasksOf } from "./document.js";

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
