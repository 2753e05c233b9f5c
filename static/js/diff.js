/** Two versions side by side: a task that is opened on the canvas leads to its rows below, on another page of them if need be. */
import { announceNow } from "./announce.js";

document.addEventListener("task:open", (event) => {
  const { key } = event.detail;
  const hash = `#task-${encodeURIComponent(key)}`;
  const rows = document.getElementById(`task-${key}`);
  if (rows) {
    location.hash = hash;
    rows.scrollIntoView({ block: "start" });
    rows.focus({ preventScroll: true });
  } else if (isMarked(event.target, key)) location.assign(`?task=${encodeURIComponent(key)}${hash}`);
  else announceNow("This task is the same in both.");
});

/** Whether anything became of the task. */
function isMarked(host, key) {
  const data = JSON.parse(document.getElementById(host.dataset.workflowCanvas).textContent);
  return Boolean(data.nodes.find((node) => node.key === key)?.mark);
}
