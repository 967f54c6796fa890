import { setCookie } from "../dom.js";

const LATE_MS = 500; // after midnight: no timer is early then

/** The reader's day: the server is told the time zone it is in, and `onChange` called when another one begins. */
export class Day {
  #onChange;
  #today = today();
  #timer = 0;

  /** `told`: the zone in which the server made the page. */
  constructor(told, onChange) {
    this.#onChange = onChange;
    setCookie("timezone", zone());
    this.#wait();
    document.addEventListener("visibilitychange", () => this.#look()); // the machine may have slept, or travelled
    if (zone() !== told) onChange();
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
