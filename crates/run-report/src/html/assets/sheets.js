// The first test digits as each model redraws them: one slider moves all sheets.

const SHEET_COLUMNS = 4;
const SHEET_GAP = 2;
/** Pixels of the canvas for one of an image. */
const SHEET_SCALE = 2;

/** The last kept epoch up to `epoch`; none where the first was kept later. */
function sheetAt(sheets, epoch) {
  return sheets.epochs.findLastIndex((kept) => kept.epoch <= epoch);
}

function drawSheet(canvas, sheets, pixels, position) {
  const { height, width, labels } = sheets;
  const step = { x: width + SHEET_GAP, y: height + SHEET_GAP };
  const rows = Math.ceil(labels.length / SHEET_COLUMNS);
  canvas.width = SHEET_SCALE * (SHEET_COLUMNS * step.x + SHEET_GAP);
  canvas.height = SHEET_SCALE * (rows * step.y + SHEET_GAP);
  const context = canvas.getContext("2d");
  const alarm = themeColour("--alarm");
  const unreadable = position < 0 ? sheets.originals.unreadable : sheets.epochs[position].unreadable;
  for (let digit = 0; digit < labels.length; digit++) {
    const start = ((position + 1) * labels.length + digit) * height * width;
    const image = greyImage(pixels.subarray(start, start + height * width), width, height, SHEET_SCALE);
    const left = SHEET_SCALE * (SHEET_GAP + (digit % SHEET_COLUMNS) * step.x);
    const top = SHEET_SCALE * (SHEET_GAP + Math.floor(digit / SHEET_COLUMNS) * step.y);
    context.putImageData(image, left, top);
    if (unreadable.includes(digit)) {
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
  const show = () => {
    const epoch = kept[slider.value - 1];
    const name = epoch === undefined ? "originals" : epoch === 0 ? "untrained" : `epoch ${epoch}`;
    document.getElementById("epoch-shown").textContent = name;
    slider.setAttribute("aria-valuetext", name);
    for (const { sheets, canvas, said, pixels } of cards) {
      const position = epoch === undefined ? -1 : sheetAt(sheets, epoch);
      drawSheet(canvas, sheets, pixels, position);
      const shown = position < 0 ? sheets.originals : sheets.epochs[position];
      const ends = position >= 0 && shown.epoch !== epoch ? `epoch ${shown.epoch}: ` : "";
      said.textContent = shown.readable === null ? ends : `${ends}${shown.readable} of ${sheets.read_count} readable`;
      canvas.setAttribute("aria-label", `${sheets.label}, ${name}: ${said.textContent}`);
      canvas.dataset.epoch = position < 0 ? "original" : shown.epoch;
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

startSheets();
