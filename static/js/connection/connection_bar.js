import { closeCode } from "../protocol.js";

const ENDINGS = {
  [closeCode.notSignedIn]: "You've been signed out. What you typed is kept.",
  [closeCode.notFound]: "This chat was deleted or isn't yours.",
};

/** Shows that the connection is lost, and when the next attempt is made. */
export class ConnectionBar {
  #element;
  #timer = 0;
  #at = 0; // time of the next attempt

  constructor(element, { onRetry }) {
    this.#element = element;
    this.#find("retry").addEventListener("click", onRetry);
  }

  show(state, { delay, code }) {
    clearInterval(this.#timer);
    if (state === "closed") this.#showEnd(code);
    else if (state === "reconnecting" && delay !== undefined) this.#countDown(delay, code);
    else if (state === "reconnecting") this.#say("Connection lost. Reconnecting…");
    else this.#element.hidden = true;
  }

  // Internal

  #showEnd(code) {
    this.#find("retry").hidden = true;
    this.#find("sign-in").hidden = code !== closeCode.notSignedIn;
    this.#say(ENDINGS[code]);
  }

  #countDown(delay, code) {
    this.#at = Date.now() + delay;
    const reason = code === closeCode.tooMany ? "Too many requests." : "Connection lost.";
    const update = () => this.#say(`${reason} Reconnecting ${this.#wait()}`);
    this.#timer = setInterval(update, 1000);
    update();
  }

  #wait() {
    const seconds = Math.round((this.#at - Date.now()) / 1000);
    return seconds > 0 ? `in ${seconds} s…` : "…";
  }

  #say(sentence) {
    this.#find("sentence").textContent = sentence.replace(" …", "…");
    this.#element.hidden = false;
  }

  #find(name) {
    return this.#element.querySelector(`[data-${name}]`);
  }
}
