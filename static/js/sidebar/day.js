import { setCookie } from "../dom.js";

const LATE_MS = 500; // after midnight: no timer is early then

/** The reader's day: sends the time zone to the server by a cookie, and calls `onChange` when another day begins. */
export class Day {
  #onChange;
  #today = today();
  #timer = 0;

  /** `serverZone`: the one in which the server made the page. */
  constructor(serverZone, onChange) {
    this.#onChange = onChange;
    setCookie("timezone", zone());
    this.#wait();
    document.addEventListener("visibilitychange", () => this.#look()); // the machine may have slept, or travelled
    if (zone() !== serverZone) onChange();
  }

  // Internal

  #wait() {
    clearTimeout(this.#timer);
    const now = new Date();
    const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
    this.#timer = setTimeout(() => this.#look(), midnight - now + LATE_MS);
  }

  #look() {
    this.#wait();
    if (this.#today === today()) return;
    this.#today = today();
    setCookie("timezone", zone());
    this.#onChange();
  }
}

const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
const today = () => `${new Date().toDateString()} ${zone()}`;
