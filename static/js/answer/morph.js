import { elementsFrom } from "../dom.js";

/**
 * Makes the element hold what the HTML says and changes only the nodes that differ. What stays keeps its identity: a
 * selection in it, the focus, how far a code block or table is scrolled.
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

/** The one may become the other without anybody noticing that it is not new. */
function areAlike(node, fresh) {
  return node.nodeName === fresh.nodeName && node.className === fresh.className;
}

function morphNode(node, fresh) {
  if (node.nodeType !== Node.ELEMENT_NODE) changeText(node, fresh.data);
  else if (node.localName !== "button") {
    // a button may be saying that it was pressed
    morphAttributes(node, fresh);
    morphChildren(node, fresh);
  }
}

/** Only what differs between a beginning and an end that stay: so does a selection there. */
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
