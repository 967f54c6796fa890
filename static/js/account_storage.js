import { setCookie } from "./dom.js";

// Browser storage belongs to one account: its number is in every key, and another account's data is deleted.

const OWNER = "account"; // key of the number of the account that uses the storage
const COOKIES = ["theme", "sidebar"]; // appearance; the server reads them
const channel = new BroadcastChannel("account"); // between all tabs

/** One account's data in `area`: localStorage, or sessionStorage for this tab only. */
export class AccountStorage {
  #area;
  #prefix;

  constructor(account, area = localStorage) {
    this.#area = area;
    this.#prefix = `account:${account}:`;
    this.#takeOver(account);
  }

  /** Returns null if nothing is stored. */
  get(name) {
    return this.#area.getItem(this.#prefix + name);
  }

  /** An empty `value` deletes the entry. Returns false if the storage is full or forbidden. */
  set(name, value) {
    try {
      if (value) this.#area.setItem(this.#prefix + name, value);
      else this.#area.removeItem(this.#prefix + name);
      return true;
    } catch {
      return false;
    }
  }

  // Internal

  #takeOver(account) {
    const before = this.#area.getItem(OWNER);
    if (before !== account) this.#area.clear(); // another account's, or an earlier version's
    if (before && before !== account) for (const name of COOKIES) setCookie(name, "");
    const foreign = Object.keys(this.#area).filter((key) => key.startsWith("account:") && !key.startsWith(this.#prefix));
    for (const key of foreign) this.#area.removeItem(key); // written by a tab that was left open
    this.#area.setItem(OWNER, account);
    channel.postMessage(account);
  }
}

/** Called at sign-out; affects all tabs. */
export function forgetAll() {
  localStorage.clear();
  sessionStorage.clear();
  for (const name of COOKIES) setCookie(name, "");
  channel.postMessage("");
}

/** Calls `leave` when this browser has been signed out or signed in to another account. */
export function onOtherAccount(account, leave) {
  channel.addEventListener("message", ({ data }) => {
    if (data === account) return;
    sessionStorage.clear();
    leave();
  });
}
