//! The measures are those of scikit-image, and the cross-entropy that of its formula in NumPy, as
//! recorded by `scripts/parity/image_quality.py`.

#![allow(clippy::unwrap_used)]

use serde::Deserialize;

use super::{StructuralSimilarity, binary_cross_entropy, mean_squared_error, peak_signal_to_noise_ratio};

const RECORDED: &str = include_str!("../../tests/data/image_quality.json");

#[derive(Deserialize)]
struct Recorded {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    height: usize,
    width: usize,
    original: Vec<f32>,
    reconstruction: Vec<f32>,
    mean_squared_error: f64,
    binary_cross_entropy: f64,
    /// JSON has no infinity, so none is recorded of identical images.
    peak_signal_noise_ratio: Option<f64>,
    /// None where scikit-image refuses the images as too small.
    structural_similarity: Option<f64>,
}

fn cases() -> Vec<Case> {
    let recorded: Recorded = serde_json::from_str(RECORDED).unwrap();
    recorded.cases
}

fn assert_close(computed: f64, recorded: f64, tolerance: f64, what: &str) {
    assert!((computed - recorded).abs() <= tolerance, "{what}: {computed} computed, {recorded} recorded");
}

#[test]
fn comparisons_of_pixels_are_as_recorded() {
    for case in cases() {
        let error = mean_squared_error(&case.original, &case.reconstruction);
        let entropy = binary_cross_entropy(&case.original, &case.reconstruction);
        let ratio = peak_signal_to_noise_ratio(error);
        let compared = [
            ("mean squared error", error, Some(case.mean_squared_error)),
            ("binary cross-entropy", entropy, Some(case.binary_cross_entropy)),
            ("peak signal-to-noise ratio", ratio, case.peak_signal_noise_ratio),
        ];
        for (measure, computed, recorded) in compared {
            let what = format!("{}, {measure}", case.name);
            match recorded {
                Some(recorded) => assert_close(computed, recorded, 1e-9 * recorded.abs(), &what),
                None => assert_eq!(computed, f64::INFINITY, "{what}"),
            }
        }
    }
}

#[test]
fn structural_similarities_are_as_recorded() {
    for case in cases() {
        let computed = StructuralSimilarity::new(case.height, case.width)
            .map(|similarity| similarity.of(&case.original, &case.reconstruction));
        assert_eq!(computed.is_some(), case.structural_similarity.is_some(), "{}", case.name);
        if let (Some(computed), Some(recorded)) = (computed, case.structural_similarity) {
            assert_close(computed, recorded, 1e-9, &case.name);
        }
    }
}
