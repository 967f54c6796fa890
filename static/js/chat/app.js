import { AccountStorage, onOtherAccount } from "../account_storage.js";
import { AnswerOptions } from "./answer_options.js";
import { Api } from "../api.js";
import { Chat } from "./chat.js";
import { copy, copyCode } from "../clipboard.js";
import { BUSY, Composer } from "./composer.js";
import { ConnectionBar } from "../connection/connection_bar.js";
import { Day } from "../sidebar/day.js";
import { Draft } from "./draft.js";
import { Drawer } from "../sidebar/drawer.js";
import { Editor } from "./editor.js";
import { Frames } from "../frames.js";
import { LowConfidence } from "../answer/low_confidence.js";
import { Pace } from "../answer/pace.js";
import { DELETED, Page } from "./page.js";
import { closeCode, command } from "../protocol.js";
import { Scroller } from "./scroller.js";
import { Sidebar } from "../sidebar/sidebar.js";
import { Socket } from "../connection/socket.js";
import { Theme } from "../sidebar/theme.js";
import { Toasts } from "../toasts.js";
import { Transcript } from "./transcript.js";

// Only this module looks up the page's elements.

const find = (name) => document.querySelector(`[data-${name}]`);
const root = document.documentElement;
const main = find("main");
const forms = Object.fromEntries([...document.querySelectorAll("[data-form]")].map((form) => [form.dataset.form, form]));
const { conversation, account } = main.dataset;

const storage = new AccountStorage(account);
const tabStorage = new AccountStorage(account, sessionStorage);
const frames = new Frames();
const api = new Api(find("show").elements.csrfmiddlewaretoken.value);
const toasts = new Toasts(find("toasts"), forms.toast);
const draft = new Draft(storage, conversation);
const transcript = new Transcript(find("transcript"), { forms, frames, pace: new Pace(storage) });
const scroller = new Scroller(find("scroller"), { content: [find("transcript"), find("greeting")], jump: find("jump") });
const sidebar = new Sidebar({ list: find("list"), search: find("search"), menu: find("menu") }, { api, toasts, onDeleted: leave });
const composer = new Composer(find("composer"), { draft, onSend: send, onStop: stop });
const page = new Page(
  { root, main, transcript: find("transcript"), greeting: find("greeting"), title: find("heading"), announcer: find("announcer"), deleted: find("deleted") },
  { api, composer, draft, frames, sidebar, toasts, transcript },
);
const socket = new Socket(address, { onEvent: (e) => chat.receive(e), onState: connect });
const bar = new ConnectionBar(find("connection-bar"), { onRetry: () => socket.retryNow() });
const options = new AnswerOptions({ mode: find("mode"), tier: find("tier") }, storage);
const chat = new Chat(conversation, { socket, transcript, page, options, storage: tabStorage });
new Drawer({ body: document.body, sidebar: find("sidebar"), main, backdrop: find("backdrop") });
new Day(find("list").dataset.timezone, () => sidebar.refresh());
new Theme(find("theme-choice"));
const lowConfidence = new LowConfidence();
root.toggleAttribute("data-no-highlights", !LowConfidence.isSupported);

function address() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${location.host}/ws/chat/${chat.conversation || "new"}/?account=${account}`;
}

function connect(state, details) {
  root.dataset.connection = state;
  bar.show(state, details);
  if (details.code === closeCode.notSignedIn) page.leave();
  if (details.code === closeCode.notFound) page.showDeleted(false);
}

function send(text, edited = null) {
  chat.send(text, edited);
  scroller.toEnd();
}

function stop() {
  if (!chat.isBusy) return;
  chat.stop();
  page.announce("Stopping.");
}

/** Called when the conversation on the page was deleted: opens a new one, which offers to undo that. */
function leave(url, title) {
  tabStorage.set("deleted", JSON.stringify({ url, title }));
  location.assign("/");
}

// Actions on messages

const actions = {
  copy: (article, button) => copy(transcript.sourceOf(article), button),
  edit: (article) => whenIdle(() => edit(article)),
  regenerate: (article) => whenIdle(() => chat.act(command.regenerate, article)),
  fresh: (article) => whenIdle(() => chat.act(command.regenerate, article, { fresh: true })),
  continue: (article) => whenIdle(() => chat.act(command.continue, article)),
  retry: (article) => whenIdle(() => chat.act(command.retry, article)),
  highlight: (article, button) => highlight(article, button),
};

function whenIdle(act) {
  if (page.isDeleted) composer.refuse(DELETED);
  else if (chat.isBusy) composer.refuse(BUSY);
  else act();
}

function highlight(article, button) {
  button.ariaPressed = lowConfidence.toggle(article, JSON.parse(button.dataset.passages), transcript.sourceOf(article));
}

function edit(article) {
  new Editor(article, { form: forms.editor, text: transcript.sourceOf(article), onSave: (text) => send(text, article) });
}

find("transcript").addEventListener("click", (e) => {
  const button = e.target.closest("[data-action], [data-copy-code]");
  if (!button) return;
  if (button.dataset.action) actions[button.dataset.action](button.closest("article"), button);
  else copyCode(button.closest(".code").querySelector("pre").textContent, button);
});

find("show").addEventListener("submit", (e) => {
  e.preventDefault();
  page.switchTo(e.submitter);
});

find("greeting").addEventListener("click", (e) => {
  const suggestion = e.target.closest("[data-suggestion]");
  if (suggestion) composer.fill(suggestion.dataset.suggestion);
});

document.addEventListener("keydown", (e) => {
  if (e.key === "Escape" && !e.defaultPrevented && !e.isComposing && !document.querySelector(":popover-open")) stop();
});

addEventListener("popstate", () => location.reload());

const deleted = JSON.parse(tabStorage.get("deleted"));
tabStorage.set("deleted", "");
if (deleted) sidebar.offerUndo(deleted.url, deleted.title, () => location.assign(deleted.url));
if (matchMedia("(pointer: fine)").matches) composer.focus();
onOtherAccount(account, () => page.leave());
page.attach(chat);
socket.open();
