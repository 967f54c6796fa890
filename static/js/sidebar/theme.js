import { setCookie } from "../dom.js";

/** The choice between the system's appearance, light and dark. The server reads the cookie, so no page flashes. */
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
