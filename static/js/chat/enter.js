// What Enter does in a text box. On touch devices it begins a new line, since their keyboards have no Shift+Enter;
// there, the button sends.

const COARSE = matchMedia("(pointer: coarse)");

/** Whether this key sends. Enter that ends an IME composition never does; Safari marks it only by keyCode 229. */
export function isSendKey(e) {
  if (e.key !== "Enter" || e.isComposing || e.keyCode === 229) return false;
  if (e.ctrlKey || e.metaKey) return true;
  return !e.shiftKey && !e.altKey && !COARSE.matches;
}
