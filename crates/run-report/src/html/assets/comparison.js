// Only what differs between the runs that are chosen, as `run-report compare --each` says it.

/** Equality that does not mind in which width a fraction was kept. */
function isSame(one, other) {
  const isExact = Number.isInteger(one) && Number.isInteger(other);
  if (typeof one === "number" && typeof other === "number" && !isExact) return Math.abs(one - other) <= 1e-6 * Math.abs(other);
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Parameters that differ: { stage, name, values }, a value for each run; undefined where its stage is not finished. */
function differingParameters(runs) {
  const of = (run) => new Map(run.stages);
  const stages = [...new Set(data.runs.flatMap((run) => run.stages.map(([stage]) => stage)))];
  const rows = [];
  for (const stage of stages) {
    const sides = runs.map((run) => of(run).get(stage));
    if (sides.filter(Boolean).length < 2) continue;
    const names = [...new Set(sides.flatMap((side) => Object.keys(side ?? {})))].sort();
    // One that holds others in another run is none itself: there it is only not set.
    for (const name of names.filter((name) => !names.some((other) => other.startsWith(`${name}.`)))) {
      const values = sides.map((side) => side && (Object.hasOwn(side, name) ? side[name] : null));
      const present = values.filter((value) => value !== undefined);
      if (!present.every((value) => isSame(value, present[0]))) rows.push({ stage, name, values });
    }
  }
  return rows;
}

/** Figures that differ, or that one run alone has: { figure, values, best, differences }. */
function differingFigures(runs) {
  const rows = [];
  for (const figure of data.figures) {
    const values = runs.map((run) => run.figures[figure.name]);
    const measured = values.filter((value) => value !== undefined);
    if (measured.length === 0) continue;
    const isEqual = (one, other) => Math.abs(one - other) <= 1e-12 * Math.max(Math.abs(one), Math.abs(other));
    if (measured.length > 1 && measured.every((value) => isEqual(value, measured[0]))) continue;
    const withFigure = runs.filter((run) => run.figures[figure.name] !== undefined);
    // Of a run that does not say what it measures nothing speaks against it.
    const measures = new Set(withFigure.map((run) => run.measures[figure.name]).filter((measure) => measure !== undefined));
    const better = measures.size > 1 ? null : figure.better;
    const best = better && measured.length > 1 ? Math[better === "higher" ? "max" : "min"](...measured) : undefined;
    const differences = values.map((value) => value - values[0]);
    rows.push({ figure, values, best, differences });
  }
  return rows;
}

/** What a reader should know before comparing: each aspect in which the runs are not alike, with who has what. */
function remarks(runs) {
  const said = [];
  let previousDiffers = false;
  runs[0].aspects.forEach(({ sentence, refines_previous: refinesPrevious }, position) => {
    const found = new Map();
    for (const run of runs) {
      const { value } = run.aspects[position];
      if (value !== null) found.set(value, [...(found.get(value) ?? []), run.name]);
    }
    const differs = found.size > 1;
    if (differs && !(refinesPrevious && previousDiffers))
      said.push(`${sentence}: ${[...found].map(([value, names]) => `${value} (${names.join(", ")})`).join(", ")}`);
    previousDiffers = differs;
  });
  return said;
}

/** A figure with as many decimals as it takes to tell `values` apart. */
function decimalsFor(figure, values) {
  const texts = (decimals) => new Set(values.map((value) => (value * figure.factor).toFixed(decimals)));
  const distinct = new Set(values).size;
  let decimals = figure.decimals;
  while (decimals < figure.decimals + 8 && texts(decimals).size < distinct) decimals++;
  return decimals;
}

function parameterText(value) {
  if (value === undefined) return "–";
  if (value === null) return "not set";
  const text = (part) => (typeof part === "object" ? JSON.stringify(part) : String(part));
  return Array.isArray(value) ? value.map(text).join(", ") : text(value);
}

function signed(text) {
  return text.startsWith("-") ? text.replace("-", "−") : `+${text}`;
}

function differenceTable(title, firstColumn, runs, rows) {
  const table = document.createElement("table");
  table.createCaption().textContent = title;
  const head = table.createTHead().insertRow();
  for (const name of [firstColumn, ...runs.map((run) => run.name)]) {
    const heading = document.createElement("th");
    heading.scope = "col";
    heading.textContent = name;
    head.append(heading);
  }
  const body = table.createTBody();
  for (const { name, cells } of rows) {
    const row = body.insertRow();
    const heading = document.createElement("th");
    heading.scope = "row";
    heading.textContent = name;
    row.append(heading);
    for (const { text, isBest } of cells) {
      const cell = row.insertCell();
      cell.textContent = text;
      if (isBest) cell.className = "better";
    }
  }
  const scroll = document.createElement("div");
  scroll.className = "scroll";
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", title);
  scroll.append(table);
  return scroll;
}

function compareChosen() {
  const place = document.getElementById("comparison");
  const chosen = Array.from(document.querySelectorAll(".choose:checked"), (box) => Number(box.value)).sort((a, b) => a - b);
  place.replaceChildren();
  if (chosen.length === 0) return;
  const note = document.createElement("p");
  place.append(note);
  if (chosen.length === 1) {
    note.textContent = "Choose another run to compare with.";
    return;
  }
  const runs = chosen.map((position) => data.runs[position]);
  const parameters = differingParameters(runs);
  const figures = differingFigures(runs);
  note.textContent =
    parameters.length + figures.length === 0
      ? "Nothing differs between these runs."
      : "What is the same is left out. In brackets: the difference from the first run. Green: the best.";
  for (const remark of remarks(runs)) {
    const said = document.createElement("p");
    said.className = "remark";
    said.textContent = `Note: ${remark}.`;
    place.append(said);
  }
  if (parameters.length > 0) {
    const rows = parameters.map(({ stage, name, values }) => ({
      name: `${stage}: ${name}`,
      cells: values.map((value) => ({ text: parameterText(value) })),
    }));
    place.append(differenceTable("Parameters", "parameter", runs, rows));
  }
  if (figures.length > 0) {
    const rows = figures.map(({ figure, values, best, differences }) => {
      const decimals = decimalsFor(figure, values.filter((value) => value !== undefined));
      const text = (value) => (value * figure.factor).toFixed(decimals);
      const cells = values.map((value, position) => {
        if (value === undefined) return { text: "–" };
        const difference = position > 0 && !Number.isNaN(differences[position]);
        return {
          text: text(value) + (difference ? ` (${signed(text(differences[position]))})` : ""),
          isBest: value === best,
        };
      });
      return { name: `${figure.name}, ${figure.unit}`, cells };
    });
    place.append(differenceTable("Figures", "figure", runs, rows));
  }
}

for (const box of document.querySelectorAll(".choose")) {
  // A browser may remember what was chosen before the page was loaded anew.
  box.checked = false;
  box.addEventListener("change", compareChosen);
}
