//! Comparing, and saying how far off.

use tch::{Kind, Tensor};

/// How far a value may be from Keras'.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Allowed {
    /// This far.
    Absolute(f64),
    /// This share of Keras' value, or of `floor` where Keras' value is smaller.
    Relative { share: f64, floor: f64 },
}

/// Comparisons of one subject. All are made before the first that fails ends the test.
pub(crate) struct Comparison {
    subject: String,
    failures: Vec<String>,
}

impl Comparison {
    pub(crate) fn of(subject: &str) -> Self {
        Self { subject: subject.to_owned(), failures: Vec::new() }
    }

    pub(crate) fn check(&mut self, what: &str, found: &Tensor, expected: &Tensor, allowed: Allowed) {
        let [found, expected] = [found, expected].map(|values| values.detach().to_kind(Kind::Double).reshape([-1]));
        assert_eq!(found.size(), expected.size(), "{} {what}", self.subject);
        let deviation = (&found - &expected).abs();
        let bound = match allowed {
            Allowed::Absolute(bound) => expected.full_like(bound),
            Allowed::Relative { share, floor } => expected.abs().clamp_min(floor) * share,
        };
        let share = &deviation / bound;
        let place = share.argmax(None, false);
        let [share, found, expected] = [share, found, expected].map(|values| values.take(&place).double_value(&[]));
        let line = format!(
            "{} {what}: expected {expected:e}, found {found:e}: {share:.1e} of {allowed:?}; largest deviation {:.1e}",
            self.subject,
            deviation.max().double_value(&[]),
        );
        println!("{line}");
        if share.is_nan() || share > 1.0 {
            self.failures.push(line);
        }
    }

    pub(crate) fn finish(self) {
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
    }
}
