//! Structural similarity: how alike two images look, neighbourhood by neighbourhood.

use std::array;

/// Pixels on a side of the window.
const WINDOW_SIDE: usize = 11;

/// Standard deviation of the window's Gaussian weights, in pixels.
const WINDOW_DEVIATION: f64 = 1.5;

/// Keeps the comparison of means stable where both are near 0: the paper's C₁ = (K₁ L)² with
/// K₁ = 0.01 and the pixels' range L = 1.
const MEAN_STABILIZER: f64 = 0.01 * 0.01;

/// Keeps the comparison of variances stable where both are near 0: the paper's C₂ = (K₂ L)² with
/// K₂ = 0.03.
const VARIANCE_STABILIZER: f64 = 0.03 * 0.03;

/// What is averaged over a window: x, y, x² + y² and x y, of the pixels x of one image and y of the
/// other. The two variances only matter by their sum, so the squares are averaged together.
type Moments = [f64; 4];

/// The mean structural similarity (SSIM) of two images of one size.
///
/// As in Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
/// structural similarity" (2004), with all their constants: at each position of an 11 × 11 window
/// with Gaussian weights (σ = 1.5) that lies wholly inside the image,
///
/// (2 μx μy + C₁) (2 σxy + C₂) / ((μx² + μy² + C₁) (σx² + σy² + C₂))
///
/// of the weighted means, variances and covariance there, and the mean of that over all positions.
/// Equal to scikit-image's `structural_similarity` with `gaussian_weights=True`, `sigma=1.5`,
/// `use_sample_covariance=False` and `data_range=1`.
#[derive(Clone, Debug)]
pub struct StructuralSimilarity {
    height: usize,
    width: usize,
    /// Weights of a window's rows, and of its columns: the 2-D Gaussian is their product.
    weights: [f64; WINDOW_SIDE],
}

impl StructuralSimilarity {
    /// The measure for images of `height` × `width` pixels, `None` if a side is below 11: no window
    /// would fit.
    #[must_use]
    pub fn new(height: usize, width: usize) -> Option<Self> {
        (height.min(width) >= WINDOW_SIDE).then(|| Self { height, width, weights: gaussian_weights() })
    }

    /// The similarity of two images of pixels in [0, 1], row-major: 1 (identical) down to −1. It is
    /// the same whichever is the original.
    ///
    /// # Panics
    ///
    /// If an image has not `height` × `width` pixels.
    #[must_use]
    pub fn of(&self, original: &[f32], reconstruction: &[f32]) -> f64 {
        for image in [original, reconstruction] {
            assert_eq!(image.len(), self.height * self.width, "both images are of the size to compare");
        }
        let moments: Vec<Moments> = original.iter().zip(reconstruction).map(|(&x, &y)| moments(x, y)).collect();

        // First down the columns, from each pixel that has a window's height below it, then along
        // the rows of what that gives.
        let window_rows = self.height - WINDOW_SIDE + 1;
        let column_means: Vec<Moments> = (0..window_rows * self.width)
            .map(|top| self.weighted_mean(moments[top..].iter().step_by(self.width)))
            .collect();
        let sum: f64 = column_means
            .chunks_exact(self.width)
            .flat_map(|row| row.windows(WINDOW_SIDE))
            .map(|window| similarity(self.weighted_mean(window)))
            .sum();

        let window_columns = self.width - WINDOW_SIDE + 1;
        // Rounding may carry the mean past its bounds.
        (sum / (window_rows * window_columns) as f64).clamp(-1.0, 1.0)
    }

    /// The weighted mean of the first 11 moments.
    fn weighted_mean<'a>(&self, moments: impl IntoIterator<Item = &'a Moments>) -> Moments {
        let mut means = [0.0; 4];
        for (weight, moments) in self.weights.iter().zip(moments) {
            for (mean, moment) in means.iter_mut().zip(moments) {
                *mean += weight * moment;
            }
        }
        means
    }
}

/// The weights of a window's rows, which add up to 1.
fn gaussian_weights() -> [f64; WINDOW_SIDE] {
    let centre = (WINDOW_SIDE / 2) as f64;
    let weights: [f64; WINDOW_SIDE] =
        array::from_fn(|place| (-0.5 * ((place as f64 - centre) / WINDOW_DEVIATION).powi(2)).exp());
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

fn moments(x: f32, y: f32) -> Moments {
    let (x, y) = (f64::from(x), f64::from(y));
    [x, y, x * x + y * y, x * y]
}

/// The similarity at one position of the window, given the weighted means there.
///
/// Of identical images both quotients are exactly 1, as doubling is exact.
fn similarity([x, y, squares, product]: Moments) -> f64 {
    let mean_product = x * y;
    let mean_squares = x * x + y * y;
    let covariance = product - mean_product;
    let variances = squares - mean_squares;
    let luminance = (2.0 * mean_product + MEAN_STABILIZER) / (mean_squares + MEAN_STABILIZER);
    let structure = (2.0 * covariance + VARIANCE_STABILIZER) / (variances + VARIANCE_STABILIZER);
    luminance * structure
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    /// The mean similarity by the letter of the definition, each window on its own.
    fn by_definition(height: usize, width: usize, first: &[f32], second: &[f32]) -> f64 {
        let places = || (0..11).flat_map(|row| (0..11).map(move |column| (row, column)));
        let bell = |row: usize, column: usize| {
            let distance = (row as f64 - 5.0).powi(2) + (column as f64 - 5.0).powi(2);
            (-distance / (2.0 * 1.5 * 1.5)).exp()
        };
        let bell_sum: f64 = places().map(|(row, column)| bell(row, column)).sum();

        let mut similarities = Vec::new();
        for top in 0..=height - 11 {
            for left in 0..=width - 11 {
                let mean = |of: &dyn Fn(f64, f64) -> f64| {
                    places()
                        .map(|(row, column)| {
                            let pixel = (top + row) * width + left + column;
                            bell(row, column) / bell_sum * of(first[pixel].into(), second[pixel].into())
                        })
                        .sum::<f64>()
                };
                let (mean_x, mean_y) = (mean(&|x, _| x), mean(&|_, y| y));
                let variance_x = mean(&|x, _| (x - mean_x).powi(2));
                let variance_y = mean(&|_, y| (y - mean_y).powi(2));
                let covariance = mean(&|x, y| (x - mean_x) * (y - mean_y));
                similarities.push(
                    (2.0 * mean_x * mean_y + 0.0001) * (2.0 * covariance + 0.0009)
                        / ((mean_x.powi(2) + mean_y.powi(2) + 0.0001) * (variance_x + variance_y + 0.0009)),
                );
            }
        }
        similarities.iter().sum::<f64>() / similarities.len() as f64
    }

    /// Height, width and two images of that size.
    fn pairs() -> impl Strategy<Value = (usize, usize, Vec<f32>, Vec<f32>)> {
        (11..=17_usize, 11..=17_usize).prop_flat_map(|(height, width)| {
            let image = || {
                prop_oneof![
                    prop::collection::vec(0.0..=1.0_f32, height * width),
                    // Black and white alone reach the extremes.
                    prop::collection::vec((0..2_u8).prop_map(f32::from), height * width),
                ]
            };
            (Just(height), Just(width), image(), image())
        })
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition((height, width, first, second) in pairs()) {
            let computed = StructuralSimilarity::new(height, width).unwrap().of(&first, &second);
            let expected = by_definition(height, width, &first, &second);
            prop_assert!((computed - expected).abs() < 1e-12, "{computed} and {expected}");
        }

        #[test]
        fn is_symmetric_and_one_for_identical_images((height, width, first, second) in pairs()) {
            let similarity = StructuralSimilarity::new(height, width).unwrap();
            prop_assert_eq!(similarity.of(&first, &second), similarity.of(&second, &first));
            prop_assert_eq!(similarity.of(&first, &first), 1.0);
        }
    }

    #[test]
    fn even_images_differ_in_their_means_alone() {
        let similarity = StructuralSimilarity::new(12, 14).unwrap();
        let computed = similarity.of(&[0.25; 12 * 14], &[0.75; 12 * 14]);
        assert!((computed - (2.0 * 0.25 * 0.75 + 0.0001) / (0.0625 + 0.5625 + 0.0001)).abs() < 1e-12);
    }

    #[test]
    fn a_negative_is_dissimilar() {
        let stripes: Vec<f32> = (0..20 * 20).map(|pixel| (pixel % 2) as f32).collect();
        let negative: Vec<f32> = stripes.iter().map(|pixel| 1.0 - pixel).collect();
        let computed = StructuralSimilarity::new(20, 20).unwrap().of(&stripes, &negative);
        assert!((-1.0..-0.99).contains(&computed), "{computed}");
    }

    #[test]
    fn undefined_where_no_window_fits() {
        for (height, width) in [(10, 28), (28, 10), (0, 0)] {
            assert!(StructuralSimilarity::new(height, width).is_none());
        }
        assert!(StructuralSimilarity::new(11, 11).is_some());
    }

    #[test]
    fn what_is_not_a_number_stays_visible() {
        let similarity = StructuralSimilarity::new(11, 11).unwrap();
        assert!(similarity.of(&[0.5; 121], &[f32::NAN; 121]).is_nan());
    }

    #[test]
    #[should_panic(expected = "both images are of the size to compare")]
    fn panics_when_an_image_is_of_another_size() {
        let _ = StructuralSimilarity::new(11, 12).unwrap().of(&[0.0; 132], &[0.0; 121]);
    }
}
