//! How near an image's reconstruction comes to the original.
//!
//! Images are f32 pixels in [0, 1], row-major; all arithmetic is in f64.
//!
//! | measure | range | of identical images |
//! |---|---|---|
//! | [`mean_squared_error`] | 0 to 1 | 0 |
//! | [`binary_cross_entropy`], in nats | 0 to 16.1 | the image's own entropy |
//! | [`peak_signal_to_noise_ratio`], in dB | 0 to ∞ | ∞ |
//! | [`StructuralSimilarity`] | −1 to 1 | 1 |
//!
//! The first three compare pixel with pixel, wherever they stand. Structural similarity compares
//! neighbourhoods, and so tells a blurred digit from one that is a shade darker.

mod structural_similarity;

#[cfg(test)]
mod parity_tests;

pub use structural_similarity::StructuralSimilarity;

/// How far a reconstructed pixel is kept from 0 and 1 in the [`binary_cross_entropy`].
///
/// Keras' epsilon, `keras.config.epsilon()`, by which its own `binary_crossentropy` clips.
const CROSS_ENTROPY_MARGIN: f64 = 1e-7;

/// The mean of the squared differences of pixels: 0 (identical) to 1 (black against white).
///
/// Of many images of one size, given one after another, it is the mean of the images' own errors.
/// Of no pixels it is not a number.
///
/// # Panics
///
/// If the images differ in their number of pixels.
#[must_use]
pub fn mean_squared_error(original: &[f32], reconstruction: &[f32]) -> f64 {
    mean_over_pixels(original, reconstruction, |original, reconstruction| (original - reconstruction).powi(2))
}

/// The mean binary cross-entropy of pixels, in nats, each original pixel t taken for the
/// probability of white that the reconstructed pixel p should tell: −t ln p − (1 − t) ln(1 − p).
///
/// p is first brought into [ε, 1 − ε] with ε = 10⁻⁷, as Keras does in its `binary_crossentropy`, so
/// a pixel costs at most −ln ε ≈ 16.1. Keras does it in f32, though, where 1 − ε rounds to
/// 1 − 1.19 ε.
///
/// The least that an original allows is its own entropy, reached by the identical image: more than
/// 0 unless all its pixels are 0 or 1, and even then not quite 0, but −ln(1 − ε) ≈ ε. Of no pixels
/// it is not a number.
///
/// # Panics
///
/// If the images differ in their number of pixels.
#[must_use]
pub fn binary_cross_entropy(original: &[f32], reconstruction: &[f32]) -> f64 {
    mean_over_pixels(original, reconstruction, |original, reconstruction| {
        let white = reconstruction.clamp(CROSS_ENTROPY_MARGIN, 1.0 - CROSS_ENTROPY_MARGIN);
        -original * white.ln() - (1.0 - original) * (1.0 - white).ln()
    })
}

/// The peak signal-to-noise ratio of a [`mean_squared_error`], in dB: 10 log₁₀(1 / error), the peak
/// being the 1 of white. 0 (black against white) to infinite (identical).
///
/// The ratio of a mean error is not the mean of the ratios: that one is never below it, and is
/// infinite as soon as one image is identical.
#[must_use]
pub fn peak_signal_to_noise_ratio(mean_squared_error: f64) -> f64 {
    // By the reciprocal, as −10 log₁₀ of an error of 1 would be −0.
    10.0 * mean_squared_error.recip().log10()
}

/// The mean of a measure of two pixels at the same place, original and reconstructed.
fn mean_over_pixels(original: &[f32], reconstruction: &[f32], measure: impl Fn(f64, f64) -> f64) -> f64 {
    assert_eq!(original.len(), reconstruction.len(), "both images have the same pixels");
    let sum: f64 = original
        .iter()
        .zip(reconstruction)
        .map(|(&original, &reconstruction)| measure(f64::from(original), f64::from(reconstruction)))
        .sum();
    sum / original.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_images_have_no_error_and_an_infinite_ratio() {
        let image = [0.0, 0.3, 0.9, 1.0];
        assert_eq!(mean_squared_error(&image, &image), 0.0);
        assert_eq!(peak_signal_to_noise_ratio(0.0), f64::INFINITY);
    }

    #[test]
    fn black_against_white_is_the_worst() {
        let (black, white) = ([0.0; 5], [1.0; 5]);
        assert_eq!(mean_squared_error(&black, &white), 1.0);
        let ratio = peak_signal_to_noise_ratio(1.0);
        assert!(ratio == 0.0 && ratio.is_sign_positive());
        for (original, reconstruction) in [(black, white), (white, black)] {
            let entropy = binary_cross_entropy(&original, &reconstruction);
            assert!((entropy + 1e-7_f64.ln()).abs() < 1e-8, "{entropy}");
        }
    }

    #[test]
    fn two_pixels_agree_with_the_hand_calculation() {
        let (original, reconstruction) = ([1.0, 0.25], [0.5, 0.75]);
        assert_eq!(mean_squared_error(&original, &reconstruction), 0.25);
        // ln 2 for the first, ¼ ln 4⁄3 + ¾ ln 4 for the second.
        let expected = (2_f64.ln() + 0.25 * (4.0 / 3.0_f64).ln() + 0.75 * 4_f64.ln()) / 2.0;
        assert!((binary_cross_entropy(&original, &reconstruction) - expected).abs() < 1e-15);
        assert!((peak_signal_to_noise_ratio(0.001) - 30.0).abs() < 1e-12);
    }

    #[test]
    fn only_the_error_is_symmetric() {
        let (first, second) = ([0.1, 0.7, 0.4], [0.3, 0.2, 0.9]);
        assert_eq!(mean_squared_error(&first, &second), mean_squared_error(&second, &first));
        assert_ne!(binary_cross_entropy(&first, &second), binary_cross_entropy(&second, &first));
    }

    #[test]
    fn identical_images_have_the_least_cross_entropy() {
        let original = [0.25, 0.5];
        let own_entropy = binary_cross_entropy(&original, &original);
        for other in [[0.2, 0.5], [0.3, 0.5], [0.25, 0.45], [0.25, 0.55]] {
            assert!(binary_cross_entropy(&original, &other) > own_entropy);
        }
        assert!(binary_cross_entropy(&[0.0, 1.0], &[0.0, 1.0]) < 1.01e-7);
    }

    #[test]
    fn no_pixels_have_no_mean() {
        assert!(mean_squared_error(&[], &[]).is_nan());
        assert!(binary_cross_entropy(&[], &[]).is_nan());
    }

    #[test]
    #[should_panic(expected = "both images have the same pixels")]
    fn panics_when_the_lengths_differ() {
        let _ = mean_squared_error(&[0.0; 4], &[0.0; 3]);
    }
}
