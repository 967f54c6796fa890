import { setCookie } from "../dom.js";

const NARROW = matchMedia("(max-width: 50rem)");

/** The whole sidebar: beside the chat, hidden, or a drawer over it on narrow screens. */
export class Drawer {
  #body;
  #sidebar;
  #main;
  #backdrop;

  constructor({ body, sidebar, main, backdrop }) {
    this.#body = body;
    this.#sidebar = sidebar;
    this.#main = main;
    this.#backdrop = backdrop;
    sidebar.querySelector("[data-sidebar-toggle]").addEventListener("click", () => this.#close());
    this.#opener.addEventListener("click", () => this.#open());
    backdrop.addEventListener("click", () => this.#close());
    sidebar.addEventListener("keydown", (e) => this.#press(e));
    NARROW.addEventListener("change", () => this.#show(!NARROW.matches && body.dataset.sidebarState === "open"));
    this.#show(!NARROW.matches && body.dataset.sidebarState === "open");
  }

  // Actions

  #open() {
    this.#show(true);
    this.#remember("open");
    this.#sidebar.querySelector("[data-sidebar-toggle]").focus();
  }

  #close() {
    this.#show(false);
    this.#remember("closed");
    this.#opener.focus();
  }

  // Internal

  get #opener() {
    return this.#main.querySelector("[data-sidebar-open]");
  }

  #show(isOpen) {
    const isOver = isOpen && NARROW.matches;
    if (!NARROW.matches) this.#body.dataset.sidebarState = isOpen ? "open" : "closed";
    this.#body.toggleAttribute("data-drawer", isOver);
    this.#sidebar.inert = !isOpen;
    this.#main.inert = isOver;
    this.#backdrop.hidden = !isOver;
  }

  #remember(state) {
    if (!NARROW.matches) setCookie("sidebar", state === "closed" ? state : "");
  }

  #press(e) {
    if (e.key !== "Escape" || !NARROW.matches || e.defaultPrevented) return;
    e.preventDefault();
    this.#close();
  }
}
