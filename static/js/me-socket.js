/** Numbers on the rail, pushed to the signed-in person: `{v: 1, approvals: n}`; parts marked `data-refresh="approvals"` renew themselves. */
import { announceNow } from "./announce.js";
import { createSocket } from "./socket.js";

export function startBadges() {
  if (!document.querySelector("[data-badge]")) return;
  let first = true; // it tells what the page was made with
  createSocket("/ws/me/", {
    onMessage(message) {
      if (message.v === 1 && typeof message.approvals === "number") setBadge("approvals", message.approvals, !first);
      first = false;
    },
  });
}

/** @param {string} key @param {number} count @param {boolean} isNews whether something else waits now, even if as much of it */
function setBadge(key, count, isNews) {
  let before = count;
  for (const badge of document.querySelectorAll(`[data-badge="${key}"]`)) {
    const figure = badge.querySelector("[data-badge-figure]");
    before = Number(figure.textContent);
    figure.textContent = String(count);
    badge.hidden = count === 0;
  }
  if (isNews || count !== before) for (const part of document.querySelectorAll('[data-refresh~="approvals"]')) globalThis.htmx?.trigger(part, "refresh");
  if (count > before) announceNow(count === 1 ? "One approval waits for you" : `${count} approvals wait for you`);
}
