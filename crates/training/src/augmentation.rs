//! Random affine maps of images, and of their brightness.

use serde::Serialize;
use tch::{Device, Kind, Tensor};

/// How far an image is moved and how much its brightness changed at most: every amount is drawn uniformly, for each image anew.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Augmentation {
    /// Rotation, either way.
    pub rotation_degrees: f64,
    /// Columns that a row moves for each row of its height, either way.
    pub shear: f64,
    /// Natural logarithm of the factor by which height, and likewise width, grows or shrinks.
    pub log_scale: f64,
    /// Shift of rows, and likewise of columns, either way.
    pub shift_pixels: f64,
    /// Natural logarithm of the power that values are raised to, either way: what is grey becomes lighter or darker.
    #[serde(skip_serializing_if = "is_none")]
    pub log_gamma: f64,
    /// Share of its brightness that an image loses, in [0, 1].
    #[serde(skip_serializing_if = "is_none")]
    pub dimming: f64,
}

/// Results from before there was such a change are those without it.
fn is_none(amount: &f64) -> bool {
    *amount == 0.0
}

impl Augmentation {
    /// Images as they are.
    pub const NONE: Self =
        Self { rotation_degrees: 0.0, shear: 0.0, log_scale: 0.0, shift_pixels: 0.0, log_gamma: 0.0, dimming: 0.0 };

    /// As far as `share` of it.
    #[must_use]
    pub fn times(self, share: f64) -> Self {
        Self {
            rotation_degrees: self.rotation_degrees * share,
            shear: self.shear * share,
            log_scale: self.log_scale * share,
            shift_pixels: self.shift_pixels * share,
            log_gamma: self.log_gamma * share,
            dimming: self.dimming * share,
        }
    }

    /// N × (height · width) `images` of values in [0, 1], each under a map of its own: bilinear, black beyond the edge. It takes its
    /// numbers from libtorch's generator for the processor, whatever the device.
    pub fn apply(&self, images: &Tensor, height: i64, width: i64) -> Tensor {
        let count = images.size()[0];
        let draw = |limit: f64| draw(count, limit);
        let (angle, shear) = (draw(self.rotation_degrees.to_radians()), draw(self.shear));
        let (across, down) = (draw(self.log_scale).exp(), draw(self.log_scale).exp());
        // The sampler's coordinates run from −1 to 1.
        let shift = |side: i64| draw(self.shift_pixels * 2.0 / side as f64);
        let (right, below) = (shift(width), shift(height));
        let (cosine, sine) = (angle.cos(), angle.sin());
        // From a place in the result to its place in the image: scale, shear, then turn. The sampler's coordinates are as long on a
        // short side as on a long one.
        let aspect = height as f64 / width as f64;
        let rows = [
            Tensor::stack(&[&cosine / &across, (&cosine * &shear - &sine) / &down * aspect, right], 1),
            Tensor::stack(&[&sine / &across / aspect, (&sine * &shear + &cosine) / &down, below], 1),
        ];
        let maps = Tensor::stack(&rows, 1).to_device(images.device());
        let places = Tensor::affine_grid_generator(&maps, [count, 1, height, width], false);
        const BILINEAR: i64 = 0;
        const ZEROS: i64 = 0;
        let images = images.view([count, 1, height, width]);
        let moved = images.grid_sampler(&places, BILINEAR, ZEROS, false).view([count, height * width]);
        self.shade(moved)
    }

    /// The same images, N × values, each lighter or darker.
    fn shade(&self, images: Tensor) -> Tensor {
        if self.log_gamma == 0.0 && self.dimming == 0.0 {
            return images;
        }
        let for_each = |numbers: Tensor| numbers.unsqueeze(1).to_device(images.device());
        let count = images.size()[0];
        let power = for_each(draw(count, self.log_gamma).exp());
        let kept = for_each(1.0 - (draw(count, 0.5) + 0.5) * self.dimming);
        // Interpolation may leave values a little outside, of which there is no power.
        images.clamp(0.0, 1.0).pow(&power) * kept
    }
}

/// `count` numbers between −`limit` and `limit`.
fn draw(count: i64, limit: f64) -> Tensor {
    (Tensor::rand([count], (Kind::Float, Device::Cpu)) * 2.0 - 1.0) * limit
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Augmentation = Augmentation::NONE;

    /// A dot that is turned goes round the middle, and one that is sheared goes along, however long the sides.
    #[test]
    fn sides_may_differ() {
        tch::manual_seed(1);
        let (height, width) = (21_i64, 41_i64);
        let image = Tensor::zeros([1, height * width], (Kind::Float, Device::Cpu));
        // Six below the middle.
        let _ = image.narrow(1, 16 * width + 20, 1).fill_(1.0);
        let images = image.expand([200, height * width], false).contiguous();
        let centres = |augmentation: Augmentation| -> Vec<(f64, f64)> {
            let moved = augmentation.apply(&images, height, width).view([200, height, width]);
            let places = |side: i64| Tensor::arange(side, (Kind::Float, Device::Cpu)) - (side - 1) as f64 / 2.0;
            let mean = |places: Tensor| {
                let weighted = (&moved * places).sum_dim_intlist([1, 2].as_slice(), false, Kind::Double);
                let mass = moved.sum_dim_intlist([1, 2].as_slice(), false, Kind::Double);
                Vec::<f64>::try_from(weighted / mass).unwrap_or_default()
            };
            mean(places(width).view([1, 1, -1])).into_iter().zip(mean(places(height).view([1, -1, 1]))).collect()
        };
        let mut widest = 0.0_f64;
        for (right, below) in centres(Augmentation { rotation_degrees: 30.0, ..NONE }) {
            assert!((right.hypot(below) - 6.0).abs() < 0.3, "{right}, {below}");
            widest = widest.max(right.atan2(below).to_degrees().abs());
        }
        assert!((28.0..32.0).contains(&widest), "{widest}");
        let mut farthest = 0.0_f64;
        for (right, below) in centres(Augmentation { shear: 0.5, ..NONE }) {
            assert!((below - 6.0).abs() < 0.3, "{right}, {below}");
            farthest = farthest.max(right.abs());
        }
        assert!((2.8..3.2).contains(&farthest), "{farthest}");
    }

    /// A dot right of the middle of an image of odd sides.
    fn dot() -> Tensor {
        let image = Tensor::zeros([1, 11 * 11], (Kind::Float, Device::Cpu));
        let _ = image.narrow(1, 5 * 11 + 8, 1).fill_(1.0);
        image
    }

    /// The centre of mass, as columns right of the middle and rows below it.
    fn centre(image: &Tensor) -> (f64, f64) {
        let image = image.view([11, 11]);
        let places = Tensor::arange(11, (Kind::Float, Device::Cpu)) - 5.0;
        let mass = image.sum(Kind::Float);
        let right = (&image * places.view([1, 11])).sum(Kind::Float) / &mass;
        let below = (&image * places.view([11, 1])).sum(Kind::Float) / &mass;
        (right.double_value(&[]), below.double_value(&[]))
    }

    #[test]
    fn nothing_changes_nothing() {
        let image = dot();
        assert!(NONE.apply(&image, 11, 11).allclose(&image, 1e-5, 1e-5, false));
    }

    #[test]
    fn brightness_changes_as_much_as_said_and_each_on_its_own() {
        tch::manual_seed(1);
        let images = (dot() * 0.5).expand([500, 121], false).contiguous();
        let brightest = |augmentation: Augmentation| -> (f64, f64) {
            let (brightest, _) = augmentation.apply(&images, 11, 11).max_dim(1, false);
            (brightest.min().double_value(&[]), brightest.max().double_value(&[]))
        };
        let near = |(low, high): (f64, f64), (expected_low, expected_high): (f64, f64)| {
            assert!((low - expected_low).abs() < 0.01 && (high - expected_high).abs() < 0.01, "{low} to {high}");
        };
        near(brightest(Augmentation { dimming: 0.4, ..NONE }), (0.3, 0.5));
        near(brightest(Augmentation { log_gamma: 2.0_f64.ln(), ..NONE }), (0.25, 0.5_f64.sqrt()));
    }

    #[test]
    fn images_move_as_far_as_said_and_each_on_its_own() {
        tch::manual_seed(1);
        let images = dot().expand([500, 121], false).contiguous();
        let radius = |centre: (f64, f64)| centre.0.hypot(centre.1);
        let turned = Augmentation { rotation_degrees: 30.0, ..NONE }.apply(&images, 11, 11);
        let shifted = Augmentation { shift_pixels: 2.0, ..NONE }.apply(&images, 11, 11);
        let scaled = Augmentation { log_scale: 0.2, ..NONE }.apply(&images, 11, 11);
        let (mut widest, mut farthest, mut largest) = (0.0_f64, 0.0_f64, 0.0_f64);
        for index in 0..500 {
            let (right, below) = centre(&turned.get(index));
            assert!((radius((right, below)) - 3.0).abs() < 0.25, "{right}, {below}");
            widest = widest.max(below.atan2(right).to_degrees().abs());
            let (right, below) = centre(&shifted.get(index));
            farthest = farthest.max((right - 3.0).abs()).max(below.abs());
            largest = largest.max((centre(&scaled.get(index)).0 / 3.0).ln().abs());
        }
        assert!((28.0..32.0).contains(&widest), "{widest}");
        assert!((1.9..2.1).contains(&farthest), "{farthest}");
        assert!((0.17..0.24).contains(&largest), "{largest}");
    }
}
