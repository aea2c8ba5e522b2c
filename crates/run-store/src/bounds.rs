//! Bounds of the numbers in documents, held on reading: a figure that no computation can have is no figure.

use serde::{Deserialize, Deserializer, de};

/// By how much a mean of numbers that are at a bound may pass it.
pub(crate) const ROUNDING: f64 = 1e-9;

/// A count of what there must be at least one of.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(de::Error::custom("expected a count from 1 up, found 0")),
        count => Ok(count),
    }
}

/// A number above 0: what is divided by it, or by its root, stays finite.
pub(crate) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    checked(f64::deserialize(deserializer)?, |value| value > 0.0, "a number above 0")
}

/// What pixels 0..=255 are divided by, so that they lie in [0, 1].
pub(crate) fn pixel_divisor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    checked(f64::deserialize(deserializer)?, |value| value >= f64::from(u8::MAX), "a number from 255 up")
}

/// A number from 0 to below 1.
pub(crate) fn below_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    checked(f64::deserialize(deserializer)?, |value| (0.0..1.0).contains(&value), "a number from 0 to below 1")
}

/// The slope of a leaky ReLU: from 0, where nothing of the negative side is left, to 1, where all is.
pub(crate) fn slope<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    checked(f64::deserialize(deserializer)?, |value| (0.0..=1.0).contains(&value), "a slope from 0 to 1")
}

/// A number from 0 up.
pub(crate) fn not_negative<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    checked(f64::deserialize(deserializer)?, |value| value >= -ROUNDING, "a number from 0 up")
}

/// A share: a number from 0 to 1.
pub(crate) fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    checked_share(f64::deserialize(deserializer)?)
}

/// A share, or null.
pub(crate) fn optional_share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Option::deserialize(deserializer)?.map(checked_share).transpose()
}

/// A coefficient: a number from −1 to 1.
pub(crate) fn coefficient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    checked_coefficient(f64::deserialize(deserializer)?)
}

/// A coefficient, or null.
pub(crate) fn optional_coefficient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Option::deserialize(deserializer)?.map(checked_coefficient).transpose()
}

fn checked_share<E: de::Error>(value: f64) -> Result<f64, E> {
    checked(value, |value| (-ROUNDING..=1.0 + ROUNDING).contains(&value), "a share from 0 to 1")
}

fn checked_coefficient<E: de::Error>(value: f64) -> Result<f64, E> {
    checked(value, |value| (-1.0 - ROUNDING..=1.0 + ROUNDING).contains(&value), "a coefficient from −1 to 1")
}

fn checked<E: de::Error>(value: f64, is_sound: impl Fn(f64) -> bool, expected: &str) -> Result<f64, E> {
    match is_sound(value) {
        true => Ok(value),
        false => Err(E::custom(format_args!("expected {expected}, found {value}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The JSON number, read by `bound`.
    fn is_taken(
        text: &str,
        bound: impl Fn(&mut serde_json::Deserializer<serde_json::de::StrRead<'_>>) -> bool,
    ) -> bool {
        bound(&mut serde_json::Deserializer::from_str(text))
    }

    #[test]
    fn what_no_computation_can_have_is_refused() {
        for (text, of_all) in [
            // positive, below one, not negative, share, coefficient
            ("-1.5", [false, false, false, false, false]),
            ("-1", [false, false, false, false, true]),
            ("0", [false, true, true, true, true]),
            ("0.5", [true, true, true, true, true]),
            ("1.0", [true, false, true, true, true]),
            ("1.0000000000000002", [true, false, true, true, true]),
            ("5", [true, false, true, false, false]),
        ] {
            let found = [
                is_taken(text, |number| positive(number).is_ok()),
                is_taken(text, |number| below_one(number).is_ok()),
                is_taken(text, |number| not_negative(number).is_ok()),
                is_taken(text, |number| share(number).is_ok()),
                is_taken(text, |number| coefficient(number).is_ok()),
            ];
            assert_eq!(found, of_all, "{text}");
            assert_eq!(is_taken(text, |number| optional_share(number).is_ok()), of_all[3], "{text}");
            assert_eq!(is_taken(text, |number| optional_coefficient(number).is_ok()), of_all[4], "{text}");
        }
        let is_count = |text| serde_json::Deserializer::from_str(text);
        assert_eq!([count(&mut is_count("1")).ok(), count(&mut is_count("0")).ok()], [Some(1), None]);
        assert!(is_taken("null", |number| optional_share(number).is_ok_and(|value| value.is_none())));
        assert!(!is_taken("null", |number| share(number).is_ok()));
    }
}
