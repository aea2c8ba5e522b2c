// The first test digits as each model redraws them: one slider moves all sheets.

const SHEET_COLUMNS = 4;
const SHEET_GAP = 2;
/** Pixels of the canvas for one of an image. */
const SHEET_SCALE = 2;

/** The last kept epoch up to `epoch`; none where the first was kept later. */
function sheetAt(sheets, epoch) {
  return sheets.epochs.findLastIndex((kept) => kept.epoch <= epoch);
}

/** What an epoch of a model is called. */
function epochName(sheets, epoch) {
  if (epoch === 0) return sheets.is_of_trained ? "before refining" : "untrained";
  return sheets.is_refined ? `epoch ${epoch} of refining` : `epoch ${epoch}`;
}

/** What a model shows at a stop of the slider: its originals where that has no epoch; null where none is kept yet. */
function shownSheet(sheets, epoch) {
  if (epoch === undefined) return { name: "originals", place: 0, reading: sheets.originals };
  const position = sheetAt(sheets, epoch);
  if (position < 0) return null;
  const reading = sheets.epochs[position];
  return { name: epochName(sheets, reading.epoch), epoch: reading.epoch, place: position + 1, reading };
}

/** What is said below a sheet, at a stop of the slider that is called `stopName`. */
function saidOf(sheets, shown, stopName) {
  if (!shown) return `first kept: ${epochName(sheets, sheets.epochs[0].epoch)}`;
  const { name, reading: { readable } } = shown;
  const count = readable === null ? null : `${readable} of ${sheets.read_count} readable`;
  return [name === stopName ? null : name, count].filter(Boolean).join(": ");
}

/** Draws what is `shown`, or an empty sheet. */
function drawSheet(canvas, sheets, pixels, shown) {
  const { height, width, labels } = sheets;
  const step = { x: width + SHEET_GAP, y: height + SHEET_GAP };
  const rows = Math.ceil(labels.length / SHEET_COLUMNS);
  canvas.width = SHEET_SCALE * (SHEET_COLUMNS * step.x + SHEET_GAP);
  canvas.height = SHEET_SCALE * (rows * step.y + SHEET_GAP);
  if (!shown) return;
  const context = canvas.getContext("2d");
  const alarm = themeColour("--alarm");
  for (let digit = 0; digit < labels.length; digit++) {
    const start = (shown.place * labels.length + digit) * height * width;
    const image = greyImage(pixels.subarray(start, start + height * width), width, height, SHEET_SCALE);
    const left = SHEET_SCALE * (SHEET_GAP + (digit % SHEET_COLUMNS) * step.x);
    const top = SHEET_SCALE * (SHEET_GAP + Math.floor(digit / SHEET_COLUMNS) * step.y);
    context.putImageData(image, left, top);
    if (shown.reading.unreadable.includes(digit)) {
      context.strokeStyle = alarm;
      context.lineWidth = SHEET_SCALE;
      const side = SHEET_SCALE;
      context.strokeRect(left - side / 2, top - side / 2, SHEET_SCALE * width + side, SHEET_SCALE * height + side);
    }
  }
}

/** Grey levels as an image, each a square of `scale` pixels. */
function greyImage(levels, width, height, scale) {
  const image = new ImageData(width * scale, height * scale);
  const colours = new Uint32Array(image.data.buffer);
  for (let y = 0; y < height * scale; y++)
    for (let x = 0; x < width * scale; x++) {
      const level = levels[Math.floor(y / scale) * width + Math.floor(x / scale)];
      colours[y * width * scale + x] = 0xff000000 | (level << 16) | (level << 8) | level;
    }
  return image;
}

async function startSheets() {
  const row = document.getElementById("sheet-row");
  if (!row) return;
  const slider = document.getElementById("epoch");
  const kept = [...new Set(data.sheets.flatMap((sheets) => sheets.epochs.map(({ epoch }) => epoch)))].sort((a, b) => a - b);
  const cards = [];
  for (const sheets of data.sheets) {
    const card = document.createElement("div");
    card.className = "sheet";
    const [title, canvas, said] = ["h3", "canvas", "p"].map((name) => document.createElement(name));
    title.textContent = sheets.label;
    title.title = sheets.run;
    canvas.setAttribute("role", "img");
    card.append(title, canvas, said);
    row.append(card);
    cards.push({ sheets, canvas, said, pixels: await parcel(sheets.pixels) });
  }
  // The first stop shows the originals.
  slider.max = kept.length;
  slider.value = kept.length;
  const nameOf = (epoch) => {
    if (epoch === undefined) return "originals";
    return epoch > 0 ? `epoch ${epoch}` : [...new Set(data.sheets.map((sheets) => epochName(sheets, 0)))].join(" or ");
  };
  const show = () => {
    const epoch = kept[slider.value - 1];
    const name = nameOf(epoch);
    document.getElementById("epoch-shown").textContent = name;
    slider.setAttribute("aria-valuetext", name);
    for (const { sheets, canvas, said, pixels } of cards) {
      const shown = shownSheet(sheets, epoch);
      drawSheet(canvas, sheets, pixels, shown);
      said.textContent = saidOf(sheets, shown, name);
      canvas.setAttribute("aria-label", `${sheets.label}, ${name}: ${said.textContent}`);
      canvas.dataset.epoch = shown ? (shown.epoch ?? "original") : "none";
    }
  };
  slider.addEventListener("input", show);
  document.addEventListener("shade", show);
  const play = document.getElementById("play");
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  };
  play.addEventListener("click", () => {
    if (timer !== null) return stop();
    play.textContent = "Stop";
    if (Number(slider.value) === kept.length) slider.value = 0;
    show();
    timer = setInterval(() => {
      slider.value = Number(slider.value) + 1;
      show();
      if (Number(slider.value) === kept.length) stop();
    }, 700);
  });
  show();
}

startSheets().catch((error) => sayFailure("sheets", error));
