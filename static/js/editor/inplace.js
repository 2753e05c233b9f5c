/** Writing where it stands: the name of a step or group, the text of a note. A field laid over the canvas; Enter keeps, Escape leaves. */

/**
 * @param {HTMLElement} host that the field is laid into
 * @param {{x: number, y: number, w: number, h: number}} box in px within the host
 * @param {{value: string, label: string, long?: boolean, most?: number}} what
 * @returns {Promise<string|null>} null when it was left as it was
 */
export function writeInPlace(host, box, { value, label, long = false, most = 200 }) {
  const field = document.createElement(long ? "textarea" : "input");
  field.className = `input inplace${long ? " inplace-long" : ""}`;
  field.setAttribute("aria-label", label);
  field.maxLength = most;
  field.value = value;
  Object.assign(field.style, { left: `${box.x}px`, top: `${box.y}px`, width: `${Math.max(160, box.w)}px`, height: `${Math.max(34, box.h)}px` });
  const back = document.activeElement;
  host.append(field);
  field.focus();
  field.select();
  return new Promise((resolve) => {
    let done = false;
    const settle = (answer, byKey) => {
      if (done) return;
      done = true;
      field.remove();
      if (byKey) back?.focus?.({ preventScroll: true });
      resolve(answer !== null && answer !== value ? answer : null);
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      const keeps = event.key === "Enter" && (!long || event.ctrlKey || event.metaKey);
      if (!keeps && event.key !== "Escape") return;
      event.preventDefault();
      settle(keeps ? field.value.trim() : null, true);
    });
    // What was written is kept when somebody clicks elsewhere: nothing typed is lost.
    field.addEventListener("blur", () => settle(field.value.trim(), false));
  });
}
