import { setCookie } from "../dom.js";

const LATE_MS = 500; // after midnight, in case a timer fires early

/** The reader's day: stores the time zone in a cookie for the server, and calls `onChange` when a new day begins. */
export class Day {
  #onChange;
  #today = today();
  #timer = 0;

  /** `serverZone`: the time zone in which the server rendered the page. */
  constructor(serverZone, onChange) {
    this.#onChange = onChange;
    setCookie("timezone", zone());
    this.#wait();
    document.addEventListener("visibilitychange", () => this.#look()); // the machine may have slept or travelled
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
