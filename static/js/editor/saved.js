/** What the label in the head says: how far the draft is saved, and never more than that. */
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
