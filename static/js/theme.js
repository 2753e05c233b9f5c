/* Runs before the first paint, so that a chosen theme never flashes the other one, nor the page without scripts. Not a module: modules wait. */
(() => {
  document.documentElement.dataset.scripts = ""; // the style sheets know by it what would not work
  try {
    const theme = localStorage.getItem("baton.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is off: the system's theme holds.
  }
})();
