// The page's data, and the parcels that the large ones come in: deflated bytes as letters.

const data = JSON.parse(document.getElementById("data").textContent);

const unpacked = new Map();

/** The bytes of a parcel, unpacked once. */
function parcel(id) {
  if (!unpacked.has(id)) unpacked.set(id, unpack(document.getElementById(`parcel-${id}`).textContent));
  return unpacked.get(id);
}

async function unpack(text) {
  const letters = atob(text);
  const packed = new Uint8Array(letters.length);
  for (let place = 0; place < packed.length; place++) packed[place] = letters.charCodeAt(place);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Half-precision numbers (IEEE 754 binary16, the lower byte first). */
function halves(bytes) {
  const values = new Float32Array(bytes.length / 2);
  for (let place = 0; place < values.length; place++) {
    const bits = bytes[2 * place] | (bytes[2 * place + 1] << 8);
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    // Subnormal numbers have no leading one; weights are never infinite.
    const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    values[place] = bits & 0x8000 ? -size : size;
  }
  return values;
}

/** Whole numbers of 16 or 32 bits, the lowest byte first. */
function wholes(bytes, bits) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = bits === 16 ? (place) => view.getUint16(2 * place, true) : (place) => view.getUint32(4 * place, true);
  return Uint32Array.from({ length: (8 * bytes.length) / bits }, (_, place) => read(place));
}

/** Points of `packed.dimensions` numbers each, one after the other. */
async function points(packed) {
  const bytes = await parcel(packed.parcel);
  const levels = packed.bits === 8 ? bytes : wholes(bytes, packed.bits);
  const values = new Float64Array(levels.length);
  for (let place = 0; place < levels.length; place++) {
    const [least, step] = packed.scales[place % packed.dimensions];
    values[place] = least + step * levels[place];
  }
  return values;
}

/** Says in the section `id` why it cannot be shown; without an `error`, nothing any longer. */
function sayFailure(id, error) {
  const section = document.getElementById(id);
  section.querySelector(".failure")?.remove();
  if (!error) return;
  console.error(error);
  const note = document.createElement("p");
  note.className = "failure";
  note.setAttribute("role", "alert");
  const needed = "It takes a browser that can unpack “deflate-raw”, as those since 2023 can.";
  note.textContent = `This cannot be shown: ${error.message}. ${needed}`;
  section.querySelector("h2").after(note);
}
