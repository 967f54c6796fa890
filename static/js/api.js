/** Requests to our own pages. `token` is the CSRF token of this page. */
export class Api {
  #token;

  constructor(token) {
    this.#token = token;
  }

  /** Resolves to null on success, or to a sentence that says what went wrong. */
  async post(url, fields = {}) {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "X-CSRFToken": this.#token, "X-Requested-With": "fetch" },
        body: new URLSearchParams(fields),
      });
      if (response.ok) return null;
      const message = response.status === 400 ? (await response.json()).message : "";
      return message || "That didn't work. Reload the page and try again.";
    } catch {
      return "The server can't be reached right now. Try again in a moment.";
    }
  }

  /** Resolves to null if unknown. Asks the login page, which redirects signed-in users without an error. */
  async isSignedIn(login) {
    const response = await fetch(login, { method: "HEAD", redirect: "manual" }).catch(() => null);
    if (response?.type === "opaqueredirect") return true;
    return response?.ok ? false : null;
  }

  /** Resolves to a page's HTML, or null on failure. With `fields`, sends a POST request. */
  async html(url, fields = null) {
    try {
      const body = fields && new URLSearchParams({ csrfmiddlewaretoken: this.#token, ...fields });
      const response = await fetch(url, { method: fields ? "POST" : "GET", body });
      return response.ok ? await response.text() : null;
    } catch {
      return null;
    }
  }
}
