/** What is said aloud of a live update: failures and approvals at once, everything else gathered. */
import { announceNow, announceSoon } from "../announce.js";

/**
 * @param {{task: import("../canvas/types.js").Node, before: string|undefined}[]} changes
 */
export function speak(changes) {
  const turned = (state) => changes.filter(({ task, before }) => task.state === state && before !== state).map(({ task }) => task);
  const failed = turned("failed");
  const asking = turned("waiting").filter((task) => task.kind === "person");
  if (failed.length) announceNow(failed.length > 3 ? `${failed.length} tasks failed` : `${list(failed)} failed`);
  if (asking.length) announceNow(asking.length > 3 ? `${asking.length} tasks wait for approval` : `${list(asking)} waits for approval`);
  for (const task of turned("success")) announceSoon(task.name, done);
}

function list(tasks) {
  return tasks.map((task) => task.name).join(", ");
}

function done(names) {
  return names.length > 3 ? `${names.length} tasks done` : `${names.join(", ")} done`;
}
