// The latent explorer: one model at a time, every image where the model puts it.

/** How near, in CSS pixels, the pointer has to be to an image. */
const REACH = 12;
const WALL_COLUMNS = 12;
const WALL_STEP = 120;

/** `#rrggbb` as the bytes of a pixel. */
function pixelColour(hex) {
  const code = parseInt(hex.slice(1), 16);
  return ((0xff << 24) | ((code & 255) << 16) | (code & 0xff00) | (code >> 16)) >>> 0;
}

const grouped = (count) => count.toLocaleString("en");

/** What is shown: the model, which of its images in which colours, the view, and what is pointed at. */
const explorer = {
  model: null,
  view: null,
  order: new Uint32Array(),
  colours: new Uint32Array(),
  hidden: new Set(),
  selected: -1,
  facts: [],
  cluster: null,
  members: [],
  wallCount: WALL_STEP,
};

// ---- Colours and legend ----------------------------------------------------------------------------------------------

/** For each way to colour: the class of an image, all classes, and what a class is called and looks like. */
const colourings = {
  label: {
    classOf: (model, image) => model.labels[image],
    classes: (model) => [...new Set(model.labels)].sort((one, other) => one - other),
    name: (_, digit) => String(digit),
    colour: (digit) => digitColour(digit),
  },
  name: {
    classOf: (model, image) => model.names[model.clusters[image]],
    classes: (model) => [...new Set(model.names)].sort((one, other) => (one ?? 99) - (other ?? 99)),
    name: (_, digit) => (digit === null ? "no name" : String(digit)),
    colour: (digit) => digitColour(digit),
  },
  cluster: {
    classOf: (model, image) => model.clusters[image],
    classes: (model) => model.names.map((_, cluster) => cluster),
    name: (model, cluster) => `${cluster} (${model.names[cluster] ?? "–"})`,
    colour: (cluster) => digitColour(cluster),
  },
  mistake: {
    classOf: (model, image) => (model.names[model.clusters[image]] === model.labels[image] ? "right" : "wrong"),
    classes: () => ["right", "wrong"],
    name: (_, kind) => kind,
    colour: (kind) => (kind === "right" ? themeColour("--soft") : themeColour("--alarm")),
  },
};

function digitColour(digit) {
  return digit === null ? data.unnamed_colour : data.digit_colours[digit % data.digit_colours.length];
}

function showLegend() {
  const colouring = colourings[element("colouring").value];
  const buttons = colouring.classes(explorer.model).map((kind) => {
    const button = document.createElement("button");
    const dot = document.createElement("i");
    button.type = "button";
    dot.style.background = colouring.colour(kind);
    button.append(dot, colouring.name(explorer.model, kind));
    button.setAttribute("aria-pressed", String(!explorer.hidden.has(kind)));
    button.addEventListener("click", () => {
      if (!explorer.hidden.delete(kind)) explorer.hidden.add(kind);
      button.setAttribute("aria-pressed", String(!explorer.hidden.has(kind)));
      arrange();
    });
    return button;
  });
  element("legend").replaceChildren(...buttons);
}

/** Decides which images are shown, in which order and colours. */
function arrange() {
  const { model, hidden } = explorer;
  const name = element("colouring").value;
  const colouring = colourings[name];
  const split = element("split").value;
  const colours = new Map(colouring.classes(model).map((kind) => [kind, pixelColour(colouring.colour(kind))]));
  const kinds = Array.from(model.labels, (_, image) => colouring.classOf(model, image));
  const isShown = (image) => !hidden.has(kinds[image]) && (split === "" || identity(model, image).split === split);
  const shown = [...kinds.keys()].filter(isShown);
  // Mistakes lie on top of what is right.
  if (name === "mistake") shown.sort((one, other) => (kinds[one] === "wrong") - (kinds[other] === "wrong"));
  explorer.order = Uint32Array.from(shown);
  explorer.colours = Uint32Array.from(kinds, (kind) => colours.get(kind));
  repaint();
}

// ---- Painting --------------------------------------------------------------------------------------------------------

let repaintAsked = false;

/** Paints once before the next frame, however often it is asked for. */
function repaint() {
  if (repaintAsked) return;
  repaintAsked = true;
  requestAnimationFrame(() => {
    repaintAsked = false;
    paint();
  });
}

function planeSize() {
  const canvas = element("plane");
  return { width: canvas.width, height: canvas.height };
}

function paint() {
  const { model, view, order, colours, selected } = explorer;
  if (!model) return;
  const canvas = element("plane");
  const context = canvas.getContext("2d");
  const size = planeSize();
  // Where something lies under the points they leave more of it to be seen.
  const radius = (decodedPlane.isOn() ? 1.5 : 2.3) * devicePixelRatio;
  paintPoints(context, size, view, model.places, order, colours, radius);
  if (selected >= 0) {
    const [left, top] = toPixel(view, size, model.places[2 * selected], model.places[2 * selected + 1]);
    // Dark within light, or light within dark: it is seen on points and images alike.
    for (const [colour, width] of [["--paper", 5], ["--ink", 2]]) {
      context.strokeStyle = themeColour(colour);
      context.lineWidth = width * devicePixelRatio;
      context.beginPath();
      context.arc(left, top, 7 * devicePixelRatio, 0, 2 * Math.PI);
      context.stroke();
    }
  }
  decodedPlane.follow();
}

// ---- What is pointed at ----------------------------------------------------------------------------------------------

function showLevels(canvas, levels, { height, width }) {
  [canvas.width, canvas.height] = [width, height];
  if (levels) canvas.getContext("2d").putImageData(greyImage(levels, width, height, 1), 0, 0);
}

function showFacts(facts) {
  explorer.facts = facts;
  const parts = facts.flatMap(([name, text]) => {
    const [term, description] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    description.textContent = text;
    return [term, description];
  });
  element("facts").replaceChildren(...parts);
}

/** Says what is shown to those who hear the page: of what was chosen, not of all that a pointer passes. */
function sayFacts() {
  element("said").textContent = explorer.facts.map(([name, text]) => `${name} ${text}`).join(", ");
}

/** Shows an image and what is known of it. */
function select(image) {
  if (image < 0 || image === explorer.selected) return;
  const { model } = explorer;
  explorer.selected = image;
  const { split, index } = identity(model, image);
  const facts = [["image", `${split} ${index}`], ["digit", String(model.labels[image])]];
  if (model.clusters) {
    const cluster = model.clusters[image];
    facts.push(["taken for", model.names[cluster] === null ? "nothing" : String(model.names[cluster])], ["cluster", String(cluster)]);
  }
  const place = [model.places[2 * image], model.places[2 * image + 1]].map((value) => value.toFixed(2).replace("-", "−"));
  facts.push([model.packed.is_latent_plane ? "latent" : "components", `(${place.join(", ")})`]);
  showFacts(facts);
  showLevels(element("original"), originalLevels(model, image), model.set.pixels ?? model.packed.decoder);
  showLevels(element("redrawn"), redrawnLevels(model, image), model.packed.decoder);
  repaint();
}

/** Lists the digits of a cluster. */
function showCluster(cluster) {
  const { model } = explorer;
  explorer.cluster = cluster;
  const [title, said, wall, more] = ["cluster-title", "cluster-digits", "wall", "more"].map(element);
  const members = cluster === null ? [] : [...model.labels.keys()].filter((image) => model.clusters[image] === cluster);
  explorer.members = members;
  wall.hidden = !model.pixels || members.length === 0;
  if (members.length === 0) {
    [title.textContent, said.textContent, wall.width, wall.height, more.hidden] = ["", "", 1, 1, true];
    return;
  }
  const counts = new Map();
  for (const image of members) counts.set(model.labels[image], (counts.get(model.labels[image]) ?? 0) + 1);
  const listed = [...counts].sort((one, other) => other[1] - one[1]).map(([digit, count]) => `${grouped(count)} × ${digit}`);
  title.textContent = `Cluster ${cluster}, taken for ${model.names[cluster] ?? "nothing"}: ${grouped(members.length)} images`;
  said.textContent = listed.join(", ");
  more.hidden = !model.pixels || explorer.wallCount >= members.length;
  if (!model.pixels) return;
  const { height, width } = model.set.pixels;
  const shown = members.slice(0, explorer.wallCount);
  [wall.width, wall.height] = [WALL_COLUMNS * width, Math.ceil(shown.length / WALL_COLUMNS) * height];
  const context = wall.getContext("2d");
  shown.forEach((image, position) => {
    const [left, top] = [(position % WALL_COLUMNS) * width, Math.floor(position / WALL_COLUMNS) * height];
    context.putImageData(greyImage(originalLevels(model, image), width, height, 1), left, top);
  });
}

// ---- Moving about ----------------------------------------------------------------------------------------------------

function look(view) {
  explorer.view = view;
  repaint();
}

function lookAtAll() {
  look(viewOfAll(explorer.model.places, planeSize()));
}

/** Brings an image into view if it is out of it. */
function bringIntoView(image) {
  const { model, view } = explorer;
  const size = planeSize();
  const [x, y] = [model.places[2 * image], model.places[2 * image + 1]];
  const [left, top] = toPixel(view, size, x, y);
  if (left < 0 || top < 0 || left > size.width || top > size.height) look({ ...view, x, y });
}

/** Fits the canvas to its place; what is in the middle stays there. */
function resizePlane() {
  const canvas = element("plane");
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.max(1, Math.round(side * devicePixelRatio)));
  if (canvas.width === width && canvas.height === height) return;
  const factor = Math.min(width / canvas.width, height / canvas.height);
  [canvas.width, canvas.height] = [width, height];
  if (explorer.view) look({ ...explorer.view, scale: explorer.view.scale * factor });
}

async function showModel() {
  const { model: before, selected } = explorer;
  const chosen = element("model").value;
  const model = await loadModel(data.explorers[Number(chosen)]);
  // Another may have been chosen while this one was unpacked.
  if (element("model").value !== chosen) return;
  sayFailure("explorer", null);
  explorer.model = model;
  explorer.selected = -1;
  explorer.hidden.clear();
  element("decoded-label").hidden = !model.packed.is_latent_plane;
  for (const option of element("colouring").options) option.disabled = option.value !== "label" && !model.clusters;
  if (!model.clusters) element("colouring").value = "label";
  const splits = model.set.splits.map(([name, count]) => new Option(`${name} (${grouped(count)})`, name));
  const kept = element("split").value;
  element("split").replaceChildren(new Option("all", ""), ...splits);
  element("split").value = kept;
  element("search-split").replaceChildren(...model.set.splits.map(([name]) => new Option(name, name)).reverse());
  element("axes").textContent = `across: ${model.packed.axes[0]}; upwards: ${model.packed.axes[1]}`;
  resizePlane();
  lookAtAll();
  showLegend();
  arrange();
  showCluster(null);
  // The image that was looked at is looked at again, in the new model.
  const [[, trainCount]] = model.set.splits;
  const { split, index } = before && selected >= 0 ? identity(before, selected) : identity(model, trainCount % model.labels.length);
  select(Math.max(0, imageAt(model, split, index)));
  element("explorer").dataset.model = model.packed.run;
}

/** Shows the model that is chosen, or says why it cannot be. */
function showChosen() {
  showModel().catch((error) => sayFailure("explorer", error));
}

if (element("plane")) {
  element("model").replaceChildren(...data.explorers.map(({ label, run }, position) => {
    const option = new Option(label, String(position));
    option.title = run;
    return option;
  }));
  listenToPointers(element("plane"));
  listenToKeys(element("plane"));
  listenToControls();
  listenToWall(element("wall"));
  new ResizeObserver(resizePlane).observe(element("plane"));
  document.addEventListener("shade", () => {
    if (!explorer.model) return;
    showLegend();
    arrange();
  });
  showChosen();
}
