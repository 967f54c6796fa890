// The chat socket's messages, mirroring streaming/protocol.py; tests/streaming/chat/test_protocol.py compares the two.

export const protocolVersion = 1;

export const closeCode = {
  goingAway: 4012,
  notSignedIn: 4401,
  notFound: 4404,
  tooSlow: 4408,
  tooMany: 4429,
};

export const command = {
  sendMessage: "message.send",
  regenerate: "answer.regenerate",
  continue: "answer.continue",
  retry: "answer.retry",
  stop: "answer.stop",
  watch: "answer.watch",
  painted: "answer.painted",
  acknowledge: "ack",
  ping: "ping",
};

export const event = {
  hello: "hello",
  pong: "pong",
  refused: "error",
  pathChanged: "path.changed",
  pathSwitched: "path.switched",
  conversationTitled: "conversation.titled",
  conversationDeleted: "conversation.deleted",
  conversationRestored: "conversation.restored",
  sidebarChanged: "sidebar.changed",
  phase: "answer.phase",
  textDelta: "text.delta",
  blocksDone: "blocks.done",
  tailRendered: "tail.rendered",
  partRestarted: "part.restarted",
  notice: "answer.notice",
  stage: "answer.stage",
  answerFinished: "answer.finished",
  resync: "answer.resync",
};
