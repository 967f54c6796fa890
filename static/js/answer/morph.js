import { elementsFrom } from "../dom.js";

/**
 * Gives the element the HTML's content and changes only the nodes that differ. The others keep their identity, and so
 * a selection in them, the focus, and the scroll position of a code block or table.
 */
export function morph(element, html) {
  morphChildren(element, elementsFrom(html));
}

function morphChildren(element, fresh) {
  let at = element.firstChild;
  for (const node of [...fresh.childNodes]) {
    if (at && areAlike(at, node)) {
      const next = at.nextSibling;
      morphNode(at, node);
      at = next;
    } else {
      element.insertBefore(node, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** Whether one node can be turned into the other. */
function areAlike(node, fresh) {
  return node.nodeName === fresh.nodeName && node.className === fresh.className;
}

function morphNode(node, fresh) {
  if (node.nodeType !== Node.ELEMENT_NODE) changeText(node, fresh.data);
  else if (node.localName !== "button") {
    // A button may be showing that it was pressed.
    morphAttributes(node, fresh);
    morphChildren(node, fresh);
  }
}

/** Replaces only what differs between a common beginning and end, so that a selection there is kept. */
function changeText(text, data) {
  const old = text.data;
  const shorter = Math.min(old.length, data.length);
  let begin = 0;
  while (begin < shorter && old[begin] === data[begin]) begin++;
  let end = 0;
  while (end < shorter - begin && old.at(-1 - end) === data.at(-1 - end)) end++;
  if (begin + end < Math.max(old.length, data.length)) {
    text.replaceData(begin, old.length - begin - end, data.slice(begin, data.length - end));
  }
}

function morphAttributes(element, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  for (const { name } of [...element.attributes]) {
    if (!fresh.hasAttribute(name)) element.removeAttribute(name);
  }
}
