// What pointers, keys and controls do in the latent explorer.

/** Where a pointer is, in pixels of the canvas. */
function pixelOf(event) {
  const corner = element("plane").getBoundingClientRect();
  return [(event.clientX - corner.left) * devicePixelRatio, (event.clientY - corner.top) * devicePixelRatio];
}

function imageUnder(event) {
  const { view, model, order } = explorer;
  return nearest(view, planeSize(), model.places, order, ...pixelOf(event), REACH * devicePixelRatio);
}

/** What a listener does once there is a model: the first one takes a moment to unpack. */
function withModel(act) {
  return (event) => {
    if (explorer.model) act(event);
  };
}

/** Shows an image that was chosen, wherever it lies, and says what is known of it. */
function choose(image) {
  select(image);
  bringIntoView(image);
  sayFacts();
}

function listenToPointers(canvas) {
  const down = new Map();
  let wasDragged = false;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, pixelOf(event));
    wasDragged = down.size > 1;
  });
  canvas.addEventListener("pointermove", withModel((event) => {
    const before = down.get(event.pointerId);
    if (!before) return select(imageUnder(event));
    const now = pixelOf(event);
    if (Math.hypot(now[0] - before[0], now[1] - before[1]) < 3 && !wasDragged) return;
    wasDragged = true;
    down.set(event.pointerId, now);
    const others = [...down].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    if (others.length === 0) return look(moved(explorer.view, now[0] - before[0], now[1] - before[1]));
    // Two fingers: the distance between them zooms.
    const [other] = others;
    const distance = (place) => Math.max(1, Math.hypot(place[0] - other[0], place[1] - other[1]));
    look(zoomed(explorer.view, planeSize(), other[0], other[1], distance(now) / distance(before)));
  }));
  canvas.addEventListener("pointerup", (event) => {
    down.delete(event.pointerId);
    if (wasDragged || !explorer.model) return;
    const image = imageUnder(event);
    if (image < 0) return;
    select(image);
    sayFacts();
    explorer.wallCount = WALL_STEP;
    if (explorer.model.clusters) showCluster(explorer.model.clusters[image]);
  });
  canvas.addEventListener("pointercancel", (event) => down.delete(event.pointerId));
  canvas.addEventListener("wheel", withModel((event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    look(zoomed(explorer.view, planeSize(), ...pixelOf(event), Math.exp(-event.deltaY * lines * 0.0015)));
  }), { passive: false });
}

function listenToKeys(canvas) {
  const step = 40 * devicePixelRatio;
  const middle = () => [planeSize().width / 2, planeSize().height / 2];
  const neighbour = (by) => {
    const count = explorer.model.labels.length;
    choose((Math.max(explorer.selected, 0) + by + count) % count);
  };
  const keys = {
    ArrowLeft: () => look(moved(explorer.view, step, 0)),
    ArrowRight: () => look(moved(explorer.view, -step, 0)),
    ArrowUp: () => look(moved(explorer.view, 0, step)),
    ArrowDown: () => look(moved(explorer.view, 0, -step)),
    "+": () => look(zoomed(explorer.view, planeSize(), ...middle(), 1.25)),
    "-": () => look(zoomed(explorer.view, planeSize(), ...middle(), 0.8)),
    0: lookAtAll,
    "[": () => neighbour(-1),
    "]": () => neighbour(1),
    Enter: () => explorer.model.clusters && explorer.selected >= 0 && showCluster(explorer.model.clusters[explorer.selected]),
  };
  canvas.addEventListener("keydown", withModel((event) => {
    const act = keys[event.key === "=" ? "+" : event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }));
}

function listenToControls() {
  element("model").addEventListener("change", showChosen);
  element("colouring").addEventListener("change", withModel(() => {
    explorer.hidden.clear();
    showLegend();
    arrange();
  }));
  element("split").addEventListener("change", withModel(arrange));
  element("decoded").addEventListener("change", withModel(repaint));
  element("search").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!explorer.model) return;
    const [split, index] = [element("search-split").value, element("search-index").value];
    const image = index === "" ? -1 : imageAt(explorer.model, split, Number(index));
    if (image >= 0) {
      explorer.selected = -1;
      return choose(image);
    }
    showFacts([["not found", `${split} ${index}`]]);
    sayFacts();
  });
  element("more").addEventListener("click", withModel(() => {
    explorer.wallCount += WALL_STEP;
    showCluster(explorer.cluster);
  }));
}

/** The images of a cluster side by side: one is chosen by a click, or by arrow keys from the one that is. */
function listenToWall(wall) {
  const chooseAt = (position) => {
    const image = explorer.members[position];
    if (image !== undefined && position < explorer.wallCount) choose(image);
  };
  wall.addEventListener("click", (event) => {
    if (!explorer.model?.pixels) return;
    const { width, height } = explorer.model.set.pixels;
    const shrunk = wall.width / wall.clientWidth;
    const [column, row] = [Math.floor((event.offsetX * shrunk) / width), Math.floor((event.offsetY * shrunk) / height)];
    chooseAt(row * WALL_COLUMNS + column);
  });
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -WALL_COLUMNS, ArrowDown: WALL_COLUMNS };
  wall.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const position = explorer.members.indexOf(explorer.selected);
    chooseAt(position < 0 ? 0 : position + step);
  });
}
