const THANKS_MS = 1600;

/** Copies the text, and confirms that on the button. */
export async function copy(text, button) {
  const done = await write(text);
  if (!button.dataset.label) button.dataset.label = button.getAttribute("aria-label") ?? button.textContent;
  const { label } = button.dataset;
  name(button, done ? "Copied" : "Press Ctrl+C");
  button.toggleAttribute("data-done", done);
  setTimeout(() => {
    name(button, label);
    button.removeAttribute("data-done");
  }, THANKS_MS);
}

/** Drops trailing line ends, so that a command pasted into a terminal waits for Enter. */
export const copyCode = (code, button) => copy(code.replace(/\n+$/, ""), button);

function name(button, label) {
  if (!button.hasAttribute("aria-label")) button.textContent = label;
  else button.ariaLabel = button.title = label;
}

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeBySelection(text); // plain http has no clipboard API
  }
}

function writeBySelection(text) {
  const field = document.createElement("textarea");
  field.className = "visually-hidden";
  field.value = text;
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return done;
}
