//! How well predictions agree with the labels.

use run_store::{ClassMetrics, ClassifySplitMetrics};

/// The figures of `predictions` against `labels`, both below `class_count`, one a latent.
pub(crate) fn score(predictions: &[u8], labels: &[u8], class_count: usize, loss: f64) -> ClassifySplitMetrics {
    let mut confusion = vec![vec![0_u64; class_count]; class_count];
    for (prediction, label) in predictions.iter().zip(labels) {
        confusion[usize::from(*label)][usize::from(*prediction)] += 1;
    }
    let right = |class: usize| confusion[class][class];
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let classes = (0..class_count)
        .map(|class| ClassMetrics {
            class: u8::try_from(class).unwrap_or(u8::MAX),
            precision: share(right(class), confusion.iter().map(|row| row[class]).sum()),
            recall: share(right(class), confusion[class].iter().sum()),
        })
        .collect();
    let count = labels.len() as u64;
    let accuracy = share((0..class_count).map(right).sum(), count).unwrap_or(0.0);
    ClassifySplitMetrics { count, loss, accuracy, confusion, classes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_a_hand_count() {
        let scores = score(&[0, 0, 1, 1, 0], &[0, 1, 1, 1, 2], 4, 0.5);
        assert_eq!(scores.confusion, [[1, 0, 0, 0], [1, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]);
        assert!((scores.accuracy - 0.6).abs() < 1e-12);
        let of = |class: usize| (scores.classes[class].precision, scores.classes[class].recall);
        assert_eq!(of(0), (Some(1.0 / 3.0), Some(1.0)));
        assert_eq!(of(1), (Some(1.0), Some(2.0 / 3.0)));
        assert_eq!(of(2), (None, Some(0.0)));
        assert_eq!(of(3), (None, None));
    }
}
