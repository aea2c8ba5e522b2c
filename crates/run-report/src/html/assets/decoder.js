// A model's decoder: the layers of its model.json, run on one latent at a time. Images are height × width × channel.

/** The layers of a packed decoder, ready to run: a function from a latent to the pixels of an image, in [0, 1]. */
async function decoderOf(packed) {
  const values = halves(await parcel(packed.values));
  const tensors = new Map();
  let start = 0;
  for (const { name, shape } of packed.tensors) {
    const length = shape.reduce((product, side) => product * side, 1);
    tensors.set(name, { shape, values: values.subarray(start, start + length) });
    start += length;
  }
  const steps = packed.layers.map((layer, position) => {
    const tensor = (role) => tensors.get(`${position}.${role}`);
    return layerSteps[layer.layer](layer, tensor);
  });
  return (latent) => steps.reduce((image, step) => step(image), vector(Float32Array.from(latent))).values;
}

/** A vector is an image of one pixel. */
const vector = (values) => ({ values, height: 1, width: 1, channels: values.length });

const elementwise = (change) => ({ values, ...shape }) => ({ values: values.map(change), ...shape });

/** For each kind of layer that decoders have: its step on { values, height, width, channels }. */
const layerSteps = {
  dense(_, tensor) {
    const { shape: [units, inputs], values: weight } = tensor("weight");
    const bias = tensor("bias").values;
    return ({ values }) => {
      const output = Float32Array.from(bias);
      for (let unit = 0; unit < units; unit++) {
        let sum = 0;
        for (let input = 0; input < inputs; input++) sum += weight[unit * inputs + input] * values[input];
        output[unit] += sum;
      }
      return vector(output);
    };
  },
  reshape({ height, width, channels }) {
    return ({ values }) => ({ values, height, width, channels });
  },
  flatten() {
    return ({ values }) => vector(values);
  },
  leaky_relu({ slope }) {
    return elementwise((value) => (value > 0 ? value : slope * value));
  },
  relu() {
    return elementwise((value) => Math.max(0, value));
  },
  sigmoid() {
    return elementwise((value) => 1 / (1 + Math.exp(-value)));
  },
  dropout() {
    return (image) => image;
  },
  batch_norm({ epsilon }, tensor) {
    const [weight, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map(
      (role) => tensor(role).values,
    );
    const scale = weight.map((value, channel) => value / Math.sqrt(variance[channel] + epsilon));
    const shift = bias.map((value, channel) => value - mean[channel] * scale[channel]);
    return ({ values, ...shape }) => ({
      values: values.map((value, place) => value * scale[place % scale.length] + shift[place % scale.length]),
      ...shape,
    });
  },
  conv_transpose2d({ filters, kernel, stride }, tensor) {
    const { shape: [channels], values: weight } = tensor("weight");
    const bias = tensor("bias").values;
    // From channel, filter, row, column to row, column, channel, filter: the innermost loop then runs along memory.
    const turned = new Float32Array(weight.length);
    for (let channel = 0; channel < channels; channel++)
      for (let filter = 0; filter < filters; filter++)
        for (let cell = 0; cell < kernel * kernel; cell++)
          turned[(cell * channels + channel) * filters + filter] = weight[(channel * filters + filter) * kernel * kernel + cell];
    return ({ values, height, width }) => {
      const [outputHeight, outputWidth] = [height * stride, width * stride];
      const output = new Float32Array(outputHeight * outputWidth * filters);
      for (let place = 0; place < output.length; place++) output[place] = bias[place % filters];
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          for (let cell = 0; cell < kernel * kernel; cell++) {
            const row = y * stride + Math.floor(cell / kernel);
            const column = x * stride + (cell % kernel);
            // What sticks out at the end is cropped.
            if (row >= outputHeight || column >= outputWidth) continue;
            const to = (row * outputWidth + column) * filters;
            for (let channel = 0; channel < channels; channel++) {
              const value = values[(y * width + x) * channels + channel];
              const from = (cell * channels + channel) * filters;
              for (let filter = 0; filter < filters; filter++) output[to + filter] += value * turned[from + filter];
            }
          }
      return { values: output, height: outputHeight, width: outputWidth, channels: filters };
    };
  },
};
