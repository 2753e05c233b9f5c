/** What pages with htmx have besides: the bar for requests that do not get through, questions before a request, and care for what is swapped in. */
import { ask } from "./dialog.js";
import { renderTimes } from "./times.js";
import { enliven } from "./toasts.js";
import { startTrouble } from "./trouble.js";

/** Morphing must not take away what somebody types, nor where they are, nor close what they have unfolded. */
function setUpMorph() {
  if (!globalThis.Idiomorph) return;
  const { defaults } = globalThis.Idiomorph;
  Object.assign(defaults, { ignoreActiveValue: true, restoreFocus: true });
  defaults.callbacks.beforeAttributeUpdated = (name, element) => !(name === "open" && element instanceof HTMLDetailsElement);
}

function askBeforeRequest(event) {
  const { question, elt, issueRequest } = event.detail;
  if (!question) return;
  event.preventDefault();
  ask(question, elt.dataset).then((yes) => {
    if (yes) issueRequest(true);
  });
}

setUpMorph();
startTrouble();
document.addEventListener("htmx:confirm", askBeforeRequest);
document.addEventListener("htmx:oobAfterSwap", enliven);
for (const news of ["htmx:load", "htmx:afterSettle"]) document.addEventListener(news, (event) => renderTimes(event.target));
