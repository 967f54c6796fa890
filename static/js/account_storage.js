import { setCookie } from "./dom.js";

// What a browser keeps belongs to one account: its number is in every key, and what is another account's goes.

const OWNER = "account"; // under this key: the number of the account that uses the storage
const COOKIES = ["theme", "sidebar"]; // of appearance; the server reads them
const channel = new BroadcastChannel("account"); // between all tabs

/** What is kept for `account` in `area`: localStorage, or sessionStorage for this tab alone. */
export class AccountStorage {
  #area;
  #prefix;

  constructor(account, area = localStorage) {
    this.#area = area;
    this.#prefix = `account:${account}:`;
    this.#takeOver(account);
  }

  /** Null if nothing is kept. */
  get(name) {
    return this.#area.getItem(this.#prefix + name);
  }

  /** Nothing is kept any more if `value` is empty. False if the storage is full or forbidden. */
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
    for (const key of foreign) this.#area.removeItem(key); // a tab that was left open wrote it
    this.#area.setItem(OWNER, account);
    channel.postMessage(account);
  }
}

/** At sign-out, in all tabs. */
export function forgetAll() {
  localStorage.clear();
  sessionStorage.clear();
  for (const name of COOKIES) setCookie(name, "");
  channel.postMessage("");
}

/** Call `leave` when this browser was signed out, or belongs to another account now. */
export function onOtherAccount(account, leave) {
  channel.addEventListener("message", ({ data }) => {
    if (data === account) return;
    sessionStorage.clear();
    leave();
  });
}
