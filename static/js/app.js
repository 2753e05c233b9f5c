/** What every page has: theme, dialogs, keys, toasts, the trouble bar, local times, the number of waiting approvals. */
import { startDialogs } from "./dialog.js";
import { startKeys } from "./keys.js";
import { startBadges } from "./me-socket.js";
import { recall, remember } from "./store.js";
import { startTimes } from "./times.js";
import { startToasts } from "./toasts.js";
import { startTrouble } from "./trouble.js";

function startTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (recall("theme") ?? (system.matches ? "dark" : "light")) === "dark";
  const name = () => {
    for (const word of document.querySelectorAll("[data-theme-word]")) word.textContent = isDark() ? "Light theme" : "Dark theme";
  };
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const theme = isDark() ? "light" : "dark";
    remember("theme", theme);
    document.documentElement.dataset.theme = theme;
    name();
  });
  system.addEventListener("change", name);
  name();
}

/** Morphing must not take away what somebody types, nor where they are, nor close what they have unfolded. */
function setUpMorph() {
  if (!globalThis.Idiomorph) return;
  const { defaults } = globalThis.Idiomorph;
  Object.assign(defaults, { ignoreActiveValue: true, restoreFocus: true });
  defaults.callbacks.beforeAttributeUpdated = (name, element) => !(name === "open" && element instanceof HTMLDetailsElement);
}

setUpMorph();
startTheme();
startDialogs();
startKeys();
startToasts();
startTrouble();
startTimes();
if ("signedIn" in document.body.dataset) startBadges();
