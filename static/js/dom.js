// DOM helpers. Only this module turns HTML into elements; the server has sanitised it.

export function setHtml(element, html) {
  element.innerHTML = html;
}

export function elementsFrom(html) {
  const holder = document.createElement("template");
  setHtml(holder, html);
  return holder.content;
}

export function elementFrom(html) {
  return elementsFrom(html.trim()).firstElementChild;
}

export function copyOf(template) {
  return template.content.firstElementChild.cloneNode(true);
}

/** Parses a fetched page into a document that does not run scripts. */
export function pageFrom(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

/** Changes the container's content; if the focused element is removed, focuses the nearest focusable ancestor. */
export function keepingFocus(container, change) {
  const had = container.contains(document.activeElement);
  change();
  if (had && !container.contains(document.activeElement)) {
    container.closest('[tabindex="-1"]')?.focus({ preventScroll: true });
  }
}

export function setCookie(name, value) {
  const age = value ? 365 * 24 * 3600 : 0;
  document.cookie = `${name}=${value}; path=/; max-age=${age}; samesite=lax`;
}
