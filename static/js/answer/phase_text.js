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
const HELD = "Waiting for your other answers to finish";

/** Returns [phase, details]. Details change more often and are not announced to screen readers. */
export function phaseText(phase, { ahead = null, held = false, reading = 0 } = {}) {
  const sentence = SENTENCES[phase] ?? SENTENCES.waiting;
  if (phase === "waiting" && reading) return ["Reading your chat", `, about ${count(reading, "token")}…`];
  if (phase === "queued" && held) return [HELD, ahead ? `, ${ahead.toLocaleString("en")} more before this one…` : "…"];
  if (ahead === null) return [sentence, "…"];
  if (phase === "queued") return [sentence, `${position(ahead, "ahead of you")}…`];
  return [sentence, phase === "waiting" ? `${position(ahead, "ahead")}…` : "…"];
}

/** Returns a rounded time such as "about 8 s". */
export function about(seconds) {
  if (seconds >= 55) return `about ${Math.max(1, Math.round(seconds / 60))} min`;
  return `about ${seconds < 10 ? Math.max(1, Math.round(seconds)) : Math.round(seconds / 5) * 5} s`;
}

const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
const position = (ahead, words) => (ahead > 0 ? `, ${ahead.toLocaleString("en")} ${words}` : ", you are next");
