/** Requests to our own pages. `token` is the CSRF token of this page. */
export class Api {
  #token;

  constructor(token) {
    this.#token = token;
  }

  /** Resolves to null, or to a sentence that says what was wrong. */
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

  /** Null if that cannot be known now. Asks the page that sends on who is signed in: a refusal would be an error. */
  async isSignedIn(login) {
    const response = await fetch(login, { method: "HEAD", redirect: "manual" }).catch(() => null);
    if (response?.type === "opaqueredirect") return true;
    return response?.ok ? false : null;
  }

  /** HTML of one of our pages; null if it cannot be had now. With `fields` it is posted to first. */
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
