// A plane of points: which part of it is shown, where points lie on the screen, and their painting.
// A view is { x, y, scale }: the place in the middle, and pixels for a unit, the same across and upwards.

/** The view of `size` pixels that shows all of `places`, x and y in turns. */
function viewOfAll(places, size) {
  const least = [Infinity, Infinity];
  const most = [-Infinity, -Infinity];
  for (let at = 0; at < places.length; at++) {
    least[at % 2] = Math.min(least[at % 2], places[at]);
    most[at % 2] = Math.max(most[at % 2], places[at]);
  }
  const [width, height] = [most[0] - least[0], most[1] - least[1]];
  const scale = 0.94 * Math.min(size.width / (width || 1), size.height / (height || 1));
  return { x: (least[0] + most[0]) / 2, y: (least[1] + most[1]) / 2, scale };
}

function toPixel(view, size, x, y) {
  return [size.width / 2 + (x - view.x) * view.scale, size.height / 2 - (y - view.y) * view.scale];
}

function toPlace(view, size, left, top) {
  return [view.x + (left - size.width / 2) / view.scale, view.y - (top - size.height / 2) / view.scale];
}

/** `view` moved by so many pixels. */
function moved(view, right, down) {
  return { ...view, x: view.x - right / view.scale, y: view.y + down / view.scale };
}

/** `view` enlarged by `factor`, with the place at a pixel staying there. */
function zoomed(view, size, left, top, factor) {
  const [x, y] = toPlace(view, size, left, top);
  return { x: x + (view.x - x) / factor, y: y + (view.y - y) / factor, scale: view.scale * factor };
}

/** The point of `order` nearest to a pixel, if one is within `limit` pixels; else -1. */
function nearest(view, size, places, order, left, top, limit) {
  const [x, y] = toPlace(view, size, left, top);
  let best = -1;
  let least = (limit / view.scale) ** 2;
  for (const point of order) {
    const distance = (places[2 * point] - x) ** 2 + (places[2 * point + 1] - y) ** 2;
    if (distance <= least) [best, least] = [point, distance];
  }
  return best;
}

/** The pixels of a disc, as [right, down] from its middle. */
function disc(radius) {
  const pixels = [];
  const reach = Math.floor(radius);
  for (let down = -reach; down <= reach; down++)
    for (let right = -reach; right <= reach; right++)
      if (right ** 2 + down ** 2 <= radius ** 2) pixels.push([right, down]);
  return pixels;
}

/**
 * Paints the points of `order` on a canvas, the last on top; `colours` are bytes alpha, blue, green, red of each point.
 * It writes pixels itself: tens of thousands of shapes a frame would take a canvas many times as long.
 */
function paintPoints(context, size, view, places, order, colours, radius) {
  const image = context.createImageData(size.width, size.height);
  const pixels = new Uint32Array(image.data.buffer);
  const shape = disc(radius);
  for (const point of order) {
    const left = Math.round(size.width / 2 + (places[2 * point] - view.x) * view.scale);
    const top = Math.round(size.height / 2 - (places[2 * point + 1] - view.y) * view.scale);
    if (left < radius || top < radius || left >= size.width - radius || top >= size.height - radius) continue;
    for (const [right, down] of shape) pixels[(top + down) * size.width + left + right] = colours[point];
  }
  context.putImageData(image, 0, 0);
}
