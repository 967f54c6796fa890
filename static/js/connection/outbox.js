// Clicks that the server has not answered yet. They survive a lost connection and a reload: their ids make a second
// sending harmless.

export class Outbox {
  #storage;
  #key = "";
  #waiting = new Map(); // by id: {click, takeBack, since, stop}

  constructor(storage, conversation) {
    this.#storage = storage;
    this.moveTo(conversation);
  }

  /** What an earlier load of this page left behind. */
  left() {
    try {
      return JSON.parse(this.#storage.get(this.#key)) ?? [];
    } catch {
      return [];
    }
  }

  get isEmpty() {
    return this.#waiting.size === 0;
  }

  get clicks() {
    return [...this.#waiting.values()].map((entry) => entry.click);
  }

  /** `takeBack` undoes what the page shows of it; `since`: performance.now() at the click, if this page saw it. */
  add(click, takeBack, since = null) {
    this.#waiting.set(click.id, { click, takeBack, since, stop: false });
    this.#save();
  }

  /** The entry, which is then answered; undefined if it is another tab's. */
  take(id) {
    const entry = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#save();
    return entry;
  }

  /** Stop the answers as soon as there is something to stop. */
  stopAll() {
    for (const entry of this.#waiting.values()) entry.stop = true;
  }

  moveTo(conversation) {
    if (this.#key) this.#storage.set(this.#key, "");
    this.#key = `outbox:${conversation || "new"}`;
  }

  #save() {
    this.#storage.set(this.#key, this.isEmpty ? "" : JSON.stringify(this.clicks));
  }
}

/** crypto.randomUUID exists on https and localhost only. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = (byte) => byte.toString(16).padStart(2, "0");
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return [...bytes].map(hex).join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
