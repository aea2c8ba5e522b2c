//! Affine maps of vectors, as fast as this libtorch has them.
//!
//! In f32 libtorch leaves products of matrices to MKL, which keeps its widest vectors for one maker's processors. Its
//! convolutions are oneDNN's, which has kernels for each: on an AMD EPYC with AVX-512 they multiply at twice the speed. Rows of
//! vectors lie in memory as the pixels of channels-last images do, so a convolution of 1 × 1 takes them as they are.

use tch::{Device, Kind, Tensor};

/// The rows are shown as so many images: with fewer, on one thread, libtorch takes a convolution to MKL after all.
const IMAGES: i64 = 16;
/// Of smaller maps, inputs × outputs, or of fewer rows, what surrounds a convolution costs more than it saves.
const LEAST_VALUES: i64 = 1 << 15;
const LEAST_ROWS: i64 = 64;

/// N × inputs · (outputs × inputs `weight`)ᵀ + outputs `bias`: N × outputs.
pub(crate) fn affine(rows: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
    let (count, inputs, outputs) = (rows.size()[0], rows.size()[1], weight.size()[0]);
    let is_worthwhile = count % IMAGES == 0 && count >= LEAST_ROWS && inputs * outputs >= LEAST_VALUES;
    if !is_worthwhile || rows.device() != Device::Cpu || rows.kind() != Kind::Float {
        return rows.linear(weight, Some(bias));
    }
    let images = rows.reshape([IMAGES, 1, count / IMAGES, inputs]).permute([0, 3, 1, 2]);
    let kernel = weight.view([outputs, inputs, 1, 1]);
    let mapped = images.conv2d(&kernel, Some(bias), [1, 1], [0, 0], [1, 1], 1);
    mapped.permute([0, 2, 3, 1]).reshape([count, outputs])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Values and all gradients, for numbers of rows that go one way and the other.
    #[test]
    fn it_is_the_product_it_stands_for() {
        tch::manual_seed(1);
        let random = |shape: [i64; 2]| (Tensor::rand(shape, (Kind::Float, Device::Cpu)) - 0.5).set_requires_grad(true);
        for (count, inputs, outputs) in [(256, 784, 512), (160, 256, 128), (64, 32, 3136), (100, 784, 512), (256, 8, 8)]
        {
            let (rows, weight) = (random([count, inputs]), random([outputs, inputs]));
            let bias = random([1, outputs]).view([outputs]);
            let found = affine(&rows, &weight, &bias);
            let exact = |tensor: &Tensor| tensor.detach().to_kind(Kind::Double);
            let expected = exact(&rows).matmul(&exact(&weight).tr()) + exact(&bias);
            let close = |found: &Tensor, expected: &Tensor| exact(found).allclose(expected, 1e-5, 1e-4, false);
            assert!(close(&found, &expected), "{count} × {inputs} → {outputs}");
            let gradients =
                Tensor::run_backward(&[&found.square().sum(Kind::Float)], &[&rows, &weight, &bias], false, false);
            let outer = &expected * 2.0;
            let of_bias = outer.sum_dim_intlist([0].as_slice(), false, Kind::Double);
            let wanted = [outer.matmul(&exact(&weight)), outer.tr().matmul(&exact(&rows)), of_bias];
            for (gradient, wanted) in gradients.iter().zip(&wanted) {
                let error = (exact(gradient) - wanted).norm().double_value(&[]) / wanted.norm().double_value(&[]);
                assert!(error < 1e-5, "{count} × {inputs} → {outputs}: a gradient is off by {error}");
            }
        }
    }
}
