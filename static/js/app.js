/** What every page has: theme, dialogs, keys, toasts, local times, the number of waiting approvals. */
import { startDialogs } from "./dialog.js";
import { startKeys } from "./keys.js";
import { startBadges } from "./me-socket.js";
import { recall, remember } from "./store.js";
import { startTimes } from "./times.js";
import { startToasts } from "./toasts.js";

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

startTheme();
startDialogs();
startKeys();
startToasts();
startTimes();
document.querySelector("[data-focus]")?.focus(); // a whole page may come back with errors, too
if ("signedIn" in document.body.dataset) startBadges();
