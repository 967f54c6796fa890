// In words: what an answer is waiting for, and for how long.

const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
const place = (ahead, words) => (ahead > 0 ? `, ${ahead.toLocaleString("en")} ${words}` : ", you are next");

const HELD = "Waiting for your other answers to finish";
const SENTENCES = {
  sending: "Sending",
  queued: "Waiting in line",
  starting: "Starting",
  waiting: "Waiting for the model server",
  thinking: "Thinking",
  writing: "Writing",
  resuming: "Resuming",
  delayed: "The server is catching up; nothing is lost",
  stopping: "Stopping",
};

/** [what it is doing, what more is known of it]: the second changes more often, and is not announced. */
export function sentenceOf(phase, { ahead = null, held = false, reading = 0 } = {}) {
  if (phase === "waiting" && reading) return ["Reading your chat", `, about ${count(reading, "token")}…`];
  const sentence = SENTENCES[phase] ?? SENTENCES.waiting;
  if (phase === "queued" && held) return [HELD, ahead ? `, ${ahead.toLocaleString("en")} more before this one…` : "…"];
  if (ahead === null) return [sentence, "…"];
  if (phase === "queued") return [sentence, `${place(ahead, "ahead of you")}…`];
  return [sentence, phase === "waiting" ? `${place(ahead, "ahead")}…` : "…"];
}

/** "about 8 s", no more exact than such a thing can be known. */
export function about(seconds) {
  if (seconds >= 55) return `about ${Math.max(1, Math.round(seconds / 60))} min`;
  return `about ${seconds < 10 ? Math.max(1, Math.round(seconds)) : Math.round(seconds / 5) * 5} s`;
}
