// What Enter does in a box of text. Under a finger it begins a new line, since phones have no Shift beside it, and the
// button sends.

const COARSE = matchMedia("(pointer: coarse)");

/** Whether this key sends. One that ends an input method's composition never does: Safari tells that by 229 alone. */
export function isSendKey(e) {
  if (e.key !== "Enter" || e.isComposing || e.keyCode === 229) return false;
  if (e.ctrlKey || e.metaKey) return true;
  return !e.shiftKey && !e.altKey && !COARSE.matches;
}
