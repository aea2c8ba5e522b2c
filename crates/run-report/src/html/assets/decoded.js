// What a decoder makes of the plane itself, drawn under the points.

/** The side, in CSS pixels, of a cell of the decoded plane. */
const CELL = 36;

/** The images that a decoder makes of the plane itself, under the points. */
const decodedPlane = {
  view: null,
  timer: null,
  run: 0,

  isOn() {
    return element("decoded").checked && explorer.model.packed.is_latent_plane;
  },

  /** Moves what is drawn along with the view, and draws it anew once the view rests. */
  follow() {
    const canvas = element("decoded-plane");
    if (!this.isOn()) {
      if (this.view) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
      this.view = null;
      this.run++;
      return;
    }
    if (this.view === explorer.view) return;
    if (this.view) {
      const size = { width: canvas.clientWidth, height: canvas.clientHeight };
      const factor = explorer.view.scale / this.view.scale;
      const inCss = { ...explorer.view, scale: explorer.view.scale / devicePixelRatio };
      const [left, top] = toPixel(inCss, size, this.view.x, this.view.y);
      canvas.style.transform = `translate(${left - size.width / 2}px, ${top - size.height / 2}px) scale(${factor})`;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.draw(), this.view ? 150 : 0);
  },

  async draw() {
    const run = ++this.run;
    const { model, view } = explorer;
    const canvas = element("decoded-plane");
    const size = planeSize();
    [canvas.width, canvas.height] = [size.width, size.height];
    canvas.style.transform = "";
    this.view = view;
    const context = canvas.getContext("2d");
    const { height, width } = model.packed.decoder;
    const cell = new OffscreenCanvas(width, height);
    const side = CELL * devicePixelRatio;
    let pause = performance.now() + 10;
    // From the middle of the view: cells lie on whole steps from there.
    for (let row = Math.ceil(-size.height / 2 / side - 1); row * side < size.height / 2; row++)
      for (let column = Math.ceil(-size.width / 2 / side - 1); column * side < size.width / 2; column++) {
        const [left, top] = [size.width / 2 + column * side, size.height / 2 + row * side];
        const levels = decodedLevels(model, toPlace(view, size, left + side / 2, top + side / 2));
        cell.getContext("2d").putImageData(greyImage(levels, width, height, 1), 0, 0);
        context.drawImage(cell, Math.round(left), Math.round(top), Math.ceil(side), Math.ceil(side));
        if (performance.now() > pause) {
          await new Promise(requestAnimationFrame);
          if (run !== this.run) return;
          pause = performance.now() + 10;
        }
      }
    element("decoded-plane").dataset.drawn = String(run);
  },
};
