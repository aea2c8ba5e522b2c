// A model as the explorer shows it: where its images lie, what they are, and how it redraws them.

const element = (id) => document.getElementById(id);

/** Everything of a model, unpacked; its arrays have an entry for each image, those of the training split first. */
async function loadModel(packed) {
  const set = data.images[packed.images];
  const [places, labels, indices, decode] = await Promise.all([
    points(packed.places),
    parcel(set.labels),
    parcel(set.indices).then((bytes) => wholes(bytes, 32)),
    decoderOf(packed.decoder),
  ]);
  const clusters = packed.clusters && wholes(await parcel(packed.clusters.parcel), 16);
  return {
    packed,
    set,
    places,
    labels,
    indices,
    clusters,
    names: packed.clusters?.names ?? [],
    latents: packed.latents ? await points(packed.latents) : places,
    dimensions: packed.latents ? packed.latents.dimensions : 2,
    pixels: set.pixels && (await parcel(set.pixels.parcel)),
    decode,
  };
}

/** The split of an image, and its index there. */
function identity(model, image) {
  const [[train, count], [test]] = model.set.splits;
  return { split: image < count ? train : test, index: model.indices[image] };
}

/** The image with an index in a split; -1 where there is none. */
function imageAt(model, split, index) {
  const [[train, count]] = model.set.splits;
  const [from, to] = split === train ? [0, count] : [count, model.labels.length];
  const within = model.indices.subarray(from, to).indexOf(index);
  return within < 0 ? -1 : from + within;
}

/** Grey levels of an image as it was given to the model; none where the dataset was not there. */
function originalLevels(model, image) {
  if (!model.pixels) return null;
  const length = model.set.pixels.height * model.set.pixels.width;
  return Uint8Array.from({ length }, (_, place) => {
    const pixel = image * length + place;
    const pair = model.pixels[pixel >> 1];
    return 17 * (pixel % 2 === 0 ? pair & 15 : pair >> 4);
  });
}

/** Grey levels of what the model makes of a latent: black and white are the ends, also of what no sigmoid keeps between them. */
function decodedLevels(model, latent) {
  return Uint8ClampedArray.from(model.decode(latent), (value) => Math.round(255 * value));
}

function redrawnLevels(model, image) {
  return decodedLevels(model, model.latents.subarray(image * model.dimensions, (image + 1) * model.dimensions));
}
