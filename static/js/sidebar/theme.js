import { setCookie } from "../dom.js";

/** The choice between system, light and dark appearance. The server reads the cookie, so pages do not flash. */
export class Theme {
  constructor(element) {
    element.addEventListener("change", (e) => this.#choose(e.target.value));
  }

  #choose(name) {
    setCookie("theme", name);
    if (name) document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
  }
}
