/**
 * Changes the container's content. If the selected nodes in it are replaced, the selection is restored at the same
 * position in the text.
 */
export function keepingSelection(container, change) {
  const selection = document.getSelection();
  const isInside = selection.rangeCount > 0 && (container.contains(selection.anchorNode) || container.contains(selection.focusNode));
  if (!isInside || selection.isCollapsed) return change();
  const before = placesOf(selection, container);
  change();
  const now = placesOf(selection, container);
  const places = before.map((place, end) => (place.isMoved(now[end]) ? place.find(container) : now[end].point));
  if (places.some((point, end) => point !== now[end].point)) selection.setBaseAndExtent(...places[0], ...places[1]);
}

const placesOf = ({ anchorNode, anchorOffset, focusNode, focusOffset }, container) => [
  new Place(container, anchorNode, anchorOffset),
  new Place(container, focusNode, focusOffset),
];

/** One end of a selection: a point in the DOM, and how many characters of the container's text precede it. */
class Place {
  constructor(container, node, offset) {
    this.point = [node, offset];
    this.characters = container.contains(node) ? charactersBefore(container, node, offset) : null;
  }

  isMoved(now) {
    return this.characters !== null && this.characters !== now.characters;
  }

  find(container) {
    const walker = document.createTreeWalker(container, NodeFilter.SHOW_TEXT);
    let left = this.characters;
    let last = null;
    while (walker.nextNode()) {
      last = walker.currentNode;
      if (left <= last.length) return [last, left];
      left -= last.length;
    }
    return last ? [last, last.length] : [container, 0];
  }
}

function charactersBefore(container, node, offset) {
  const range = document.createRange();
  range.setStart(container, 0);
  range.setEnd(node, offset);
  return range.toString().length;
}
