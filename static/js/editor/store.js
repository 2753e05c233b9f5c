/** What waits to be saved, kept by the browser: it survives a closed tab, a crash and a dead connection. */

const NAME = "baton-drafts";
const TABLE = "waiting";

/**
 * @typedef {{id?: number, place: string, batch: string, kind: "ops"|"undo"|"redo", ops: object[], base_rev: number, label: string, at: number}} Waiting
 *
 * @param {string} place whose edits: user and workflow
 * @returns {Promise<{all: () => Promise<Waiting[]>, add: (entry: Waiting) => Promise<void>, put: (entry: Waiting) => Promise<void>, remove: (batch: string) => Promise<void>}>}
 */
export async function openStore(place) {
  const database = await opened();
  const run = (mode, act) => new Promise((resolve, reject) => {
    const transaction = database.transaction(TABLE, mode);
    const request = act(transaction.objectStore(TABLE));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
  const write = (entry) => run("readwrite", (table) => table.put({ ...entry, place }));
  return {
    all: async () => ((await run("readonly", (table) => table.index("place").getAll(place))) ?? []).sort((a, b) => a.at - b.at || a.batch.localeCompare(b.batch)),
    add: write,
    put: write,
    remove: (batch) => run("readwrite", (table) => table.delete(batch)),
  };
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE, { keyPath: "batch" }).createIndex("place", "place");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
}

/** Where the browser keeps nothing (a private window): as long as the page is open. */
export function memoryStore() {
  const entries = new Map();
  return {
    all: async () => [...entries.values()],
    add: async (entry) => void entries.set(entry.batch, entry),
    put: async (entry) => void entries.set(entry.batch, entry),
    remove: async (batch) => void entries.delete(batch),
  };
}
