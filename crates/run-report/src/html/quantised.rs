//! Numbers in a few bits, evenly spaced between the smallest and the largest of each dimension.

use serde::Serialize;

use super::parcels::{ParcelId, Parcels};

/// Points of some dimensions in a parcel, point by point.
#[derive(Debug, Serialize)]
pub(super) struct Quantised {
    parcel: ParcelId,
    /// 8, or 16 with the lower byte first.
    bits: u8,
    dimensions: usize,
    /// For each dimension: what 0 stands for, and what 1 adds.
    scales: Vec<[f64; 2]>,
}

/// How finely numbers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grain {
    /// To 1/255 of their range, for what is only looked at.
    Coarse,
    /// To 1/65,535 of it.
    Fine,
}

impl Quantised {
    /// Puts `values`, point × dimension, into a parcel.
    pub fn pack(values: &[f64], dimensions: usize, grain: Grain, parcels: &mut Parcels) -> Self {
        let dimensions = dimensions.max(1);
        let (bits, steps) = match grain {
            Grain::Coarse => (8, f64::from(u8::MAX)),
            Grain::Fine => (16, f64::from(u16::MAX)),
        };
        let scale = |dimension: usize| {
            let of_dimension = || values.iter().skip(dimension).step_by(dimensions).copied();
            let (least, most) = (of_dimension().fold(f64::MAX, f64::min), of_dimension().fold(f64::MIN, f64::max));
            [least, if most > least { (most - least) / steps } else { 1.0 }]
        };
        let scales: Vec<[f64; 2]> = (0..dimensions).map(scale).collect();
        let levels = values.iter().zip(scales.iter().cycle());
        let levels = levels.map(|(value, [least, step])| ((value - least) / step).round().clamp(0.0, steps) as u16);
        let bytes: Vec<u8> = match grain {
            Grain::Coarse => levels.map(|level| level as u8).collect(),
            Grain::Fine => levels.flat_map(u16::to_le_bytes).collect(),
        };
        Self { parcel: parcels.add(&bytes), bits, dimensions, scales }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dimension_has_its_own_range() {
        let mut parcels = Parcels::new(usize::MAX);
        let packed = Quantised::pack(&[-1.0, 5.0, 1.0, 5.0, 0.0, 5.0], 2, Grain::Fine, &mut parcels);
        assert_eq!(packed.scales[0], [-1.0, 2.0 / 65_535.0]);
        assert_eq!(packed.scales[1], [5.0, 1.0]);
        assert_eq!((packed.bits, packed.dimensions), (16, 2));
        let coarse = Quantised::pack(&[0.0, 2.55], 1, Grain::Coarse, &mut parcels);
        assert_eq!((coarse.bits, coarse.parcel), (8, 1));
        assert!((coarse.scales[0][1] - 0.01).abs() < 1e-12);
    }
}
