/** The inbox by keys: J and K go through the requests, A and X open the form of a decision, which still has to be sent. */
import { onKey } from "./keys.js";

function go(step) {
  const mails = [...document.querySelectorAll("[data-mail]")];
  const at = mails.findIndex((mail) => mail.hasAttribute("aria-current"));
  const next = mails[at + step];
  if (next) location.assign(next.href);
}

/** @param {"approve"|"reject"} decision */
function unfold(decision) {
  const way = document.querySelector(`[data-decision="${decision}"]`);
  if (!way) return;
  way.open = true;
  way.querySelector("textarea").focus();
}

onKey("j", () => go(1));
onKey("k", () => go(-1));
onKey("a", () => unfold("approve"));
onKey("x", () => unfold("reject"));
document.querySelector("[data-mail][aria-current]")?.scrollIntoView({ block: "nearest" });
