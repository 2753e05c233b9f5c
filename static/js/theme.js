/* Runs before the first paint, so that a chosen theme never flashes the other one. Not a module: modules wait. */
(() => {
  try {
    const theme = localStorage.getItem("baton.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is off: the system's theme holds.
  }
})();
