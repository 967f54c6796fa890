const THANKS_MS = 1600;

/** Copies, and says so on the button. */
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

/** Without line ends behind it: pasted into a terminal, a command waits for Enter. */
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
    return writeBySelection(text); // no clipboard on plain http
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
