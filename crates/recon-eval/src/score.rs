//! Rows of readings → figures of each epoch.

use run_store::{
    REDRAWN_COUNT, ReadableCounts, Reading, ReconstructionEpoch, ReconstructionMetrics, ReconstructionReading,
};

use crate::quality::peak_signal_to_noise_ratio;

/// The figures of `rows`, which are ordered by epoch, then index, and hold the same images for each epoch.
pub(crate) fn score(
    rows: &[ReconstructionReading],
    readable_probability: f64,
    reader_test_accuracy: f64,
) -> ReconstructionMetrics {
    let epochs: Vec<&[ReconstructionReading]> = rows.chunk_by(|one, next| one.epoch == next.epoch).collect();
    let images = epochs.first().copied().unwrap_or_default();
    let count = |readings: fn(&ReconstructionReading) -> Reading, rows: &[ReconstructionReading]| {
        let is_readable = |row: &&ReconstructionReading| f64::from(readings(row).probability) >= readable_probability;
        let readable = rows.iter().filter(is_readable).count();
        let of_sheet = rows.iter().take(REDRAWN_COUNT as usize).filter(is_readable).count();
        ReadableCounts { sheet_readable: of_sheet as u32, readable_share: readable as f64 / rows.len() as f64 }
    };
    let of_epoch = |rows: &&[ReconstructionReading]| ReconstructionEpoch {
        epoch: rows.first().map_or(0, |row| row.epoch),
        readable: count(|row| row.reconstruction, rows),
        mean_squared_error: mean(rows.iter().map(|row| row.mean_squared_error)).unwrap_or(0.0),
        binary_cross_entropy: mean(rows.iter().map(|row| row.binary_cross_entropy)).unwrap_or(0.0),
        peak_signal_to_noise_ratio_db: mean(
            rows.iter()
                .map(|row| peak_signal_to_noise_ratio(row.mean_squared_error))
                .filter(|decibels| decibels.is_finite()),
        ),
        structural_similarity: mean(rows.iter().filter_map(|row| row.structural_similarity)),
    };
    ReconstructionMetrics {
        image_count: images.len() as u32,
        sheet_count: REDRAWN_COUNT.min(images.len() as u32),
        readable_probability,
        reader_test_accuracy,
        originals: count(|row| row.original, images),
        epochs: epochs.iter().map(of_epoch).collect(),
    }
}

/// The mean, if there is anything to take it of.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_u32);
    for value in values {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(epoch: u32, index: u32, probability: f32, error: f64) -> ReconstructionReading {
        ReconstructionReading {
            epoch,
            index,
            label: 1,
            original: Reading { predicted: 1, probability: if index == 18 { 0.4 } else { 0.9 } },
            reconstruction: Reading { predicted: 1, probability },
            mean_squared_error: error,
            binary_cross_entropy: 2.0 * error,
            structural_similarity: None,
        }
    }

    #[test]
    fn figures_are_those_of_a_hand_count() {
        // Twenty images: at epoch 0 none can be read, at epoch 5 all but the first and the last, one of them just so.
        let before = (0..20).map(|index| row(0, index, 0.1, 0.2));
        let probability = |index: u32| if index == 0 || index == 19 { 0.499 } else { 0.5 };
        let after = (0..20).map(|index| row(5, index, probability(index), if index == 3 { 0.0 } else { 0.01 }));
        let scores = score(&before.chain(after).collect::<Vec<_>>(), 0.5, 0.99);
        assert_eq!((scores.image_count, scores.sheet_count), (20, 16));
        assert_eq!(scores.originals, ReadableCounts { sheet_readable: 16, readable_share: 0.95 });
        let [before, after] = &scores.epochs[..] else { panic!("{scores:?}") };
        assert_eq!((before.epoch, before.readable.sheet_readable), (0, 0));
        assert_eq!(after.readable, ReadableCounts { sheet_readable: 15, readable_share: 0.9 });
        assert!((after.mean_squared_error - 0.0095).abs() < 1e-12);
        assert!((after.binary_cross_entropy - 0.019).abs() < 1e-12);
        // The image that was redrawn exactly has no finite ratio.
        assert!(after.peak_signal_to_noise_ratio_db.is_some_and(|ratio| (ratio - 20.0).abs() < 1e-9));
        assert_eq!(after.structural_similarity, None);
    }

    #[test]
    fn fewer_images_than_a_sheet_are_a_smaller_sheet() {
        let scores = score(&[row(0, 0, 0.9, 0.0)], 0.5, 0.99);
        assert_eq!((scores.image_count, scores.sheet_count), (1, 1));
        assert_eq!(scores.epochs[0].peak_signal_to_noise_ratio_db, None);
    }
}
