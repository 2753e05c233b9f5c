/** Figures that count move on each second. @param {View} view */
export function startClock(view) {
  let paused = false;
  const timer = setInterval(() => {
    if (!paused && !document.hidden) view.tick(Date.now());
  }, 1000);
  return {
    pause: (on) => {
      paused = on;
    },
    stop: () => clearInterval(timer),
  };
}
