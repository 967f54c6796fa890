// A reviewer's page: what others do to the conversation meanwhile is shown as it happens.

const RETRY_MS = 3000;
const NOT_ALLOWED = 4401; // streaming/protocol.py has the codes

const page = document.querySelector("[data-review]");

function open() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/review/${page.dataset.review}/`);
  socket.onmessage = refresh;
  socket.onclose = ({ code }) => code !== NOT_ALLOWED && setTimeout(open, RETRY_MS * (1 + Math.random()));
}

/** The pieces that can change; what is being written in the form stays. */
async function refresh() {
  const response = await fetch(page.dataset.news).catch(() => null);
  if (!response) return;
  const news = new DOMParser().parseFromString(response.ok ? await response.text() : "", "text/html");
  for (const piece of page.querySelectorAll("[data-piece]")) {
    const fresh = news.querySelector(`[data-piece="${piece.dataset.piece}"]`);
    if (fresh) piece.replaceChildren(...fresh.childNodes);
    else if (response.status === 404) piece.replaceChildren("This conversation was erased.");
  }
}

open();
