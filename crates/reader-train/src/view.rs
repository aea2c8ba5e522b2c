//! The images that the reader learns from, as it is shown them.

use serde::Serialize;
use tch::{Kind, Tensor};
use training::Augmentation;

/// How an image is changed before the reader sees it, each time anew. A reconstruction is blurred where its model is unsure, and
/// stands a little elsewhere: a reader that knows sharp digits only would call that unreadable where an eye reads on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct View {
    /// The blurred image has up to this share in what is seen, in [0, 1].
    pub blur_share: f64,
    /// How far the image is moved.
    #[serde(flatten)]
    pub augmentation: Augmentation,
}

/// A row of Pascal's triangle, the binomial filter that is nearest to a Gaussian of variance 1 in five pixels.
const BINOMIAL: [f32; 5] = [1.0, 4.0, 6.0, 4.0, 1.0];

impl View {
    /// N × (height · width) `images` in [0, 1], changed. It takes its numbers from libtorch's generator for the processor.
    pub(crate) fn of(&self, images: &Tensor, (height, width): (i64, i64)) -> Tensor {
        let moved = self.augmentation.apply(images, height, width);
        let share = Tensor::rand([images.size()[0], 1], (Kind::Float, tch::Device::Cpu)) * self.blur_share;
        let blurred = blur(&blur(&moved, height, width), height, width);
        moved.lerp_tensor(&blurred, &share.to_device(images.device()))
    }
}

/// Each image under the binomial filter, black beyond the edge.
fn blur(images: &Tensor, height: i64, width: i64) -> Tensor {
    let weights = Tensor::from_slice(&BINOMIAL).to_device(images.device()) / f64::from(BINOMIAL.iter().sum::<f32>());
    let images = images.view([-1, 1, height, width]);
    let down = images.conv2d(&weights.view([1, 1, 5, 1]), None::<&Tensor>, [1, 1], [2, 0], [1, 1], 1);
    let both = down.conv2d(&weights.view([1, 1, 1, 5]), None::<&Tensor>, [1, 1], [0, 2], [1, 1], 1);
    both.view([-1, height * width])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blurred_dot_is_the_filter() {
        let dot = Tensor::zeros([1, 49], (Kind::Float, tch::Device::Cpu));
        let _ = dot.narrow(1, 3 * 7 + 3, 1).fill_(256.0);
        let blurred = blur(&dot, 7, 7);
        let at = |row: i64, column: i64| blurred.double_value(&[0, row * 7 + column]);
        assert_eq!((at(3, 3), at(3, 4), at(2, 4), at(1, 1), at(0, 3)), (36.0, 24.0, 16.0, 1.0, 0.0));
    }

    #[test]
    fn each_image_is_blurred_by_a_share_of_its_own() {
        tch::manual_seed(1);
        let dots = Tensor::zeros([200, 49], (Kind::Float, tch::Device::Cpu));
        let _ = dots.narrow(1, 3 * 7 + 3, 1).fill_(1.0);
        let still = Augmentation::NONE;
        let seen = View { blur_share: 0.5, augmentation: still }.of(&dots, (7, 7));
        let middles = seen.select(1, 3 * 7 + 3);
        assert!((middles.max().double_value(&[]) - 1.0).abs() < 0.02);
        // Half of the dot stays, half goes through the filter twice, of which (70 / 256)² remains in the middle.
        let least = 0.5 + 0.5 * (70.0_f64 / 256.0).powi(2);
        assert!((middles.min().double_value(&[]) - least).abs() < 0.02);
    }
}
