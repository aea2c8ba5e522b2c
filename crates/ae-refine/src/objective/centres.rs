//! Where centres are put that latents are drawn to.

use tch::{Device, Kind, Tensor, no_grad};

/// Clusters × latent means of clusters, moved apart to a distance of `radius` from the origin.
///
/// Where there is room for it they become the corners of a regular simplex, each as far from every other, so that none is the
/// nearest of all to latents that have not gone far yet: of all such simplices the one that lies nearest to the means (the
/// orthogonal Procrustes problem; Schönemann 1966). With fewer than clusters − 1 dimensions each goes in its own direction.
pub(crate) fn spread(means: &Tensor, radius: f64) -> Tensor {
    let (clusters, dimensions) = (means.size()[0], means.size()[1]);
    no_grad(|| {
        let exact = means.to_device(Device::Cpu).to_kind(Kind::Double);
        let centred = &exact - exact.mean_dim([0].as_slice(), true, Kind::Double);
        let directions = if dimensions + 1 >= clusters {
            let corners = simplex(clusters);
            let (left, _, right) = corners.tr().matmul(&centred).svd(true, true);
            corners.matmul(&left).matmul(&right.tr())
        } else {
            centred
        };
        let lengths = directions.square().sum_dim_intlist([1].as_slice(), true, Kind::Double).sqrt();
        (directions / lengths.clamp_min(1e-12) * radius).to_kind(means.kind()).to_device(means.device())
    })
}

/// `corners` × (`corners` − 1): the corners of a regular simplex around the origin, its columns orthonormal (Helmert's matrix without
/// its constant row).
fn simplex(corners: i64) -> Tensor {
    let mut values = vec![0.0; (corners * (corners - 1)) as usize];
    for column in 1..corners {
        let scale = 1.0 / ((column * (column + 1)) as f64).sqrt();
        for row in 0..=column {
            let value = if row == column { -(column as f64) } else { 1.0 };
            values[(row * (corners - 1) + column - 1) as usize] = value * scale;
        }
    }
    Tensor::from_slice(&values).view([corners, corners - 1])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn means(clusters: i64, dimensions: i64) -> Tensor {
        tch::manual_seed(3);
        Tensor::randn([clusters, dimensions], (Kind::Float, Device::Cpu)) + 5.0
    }

    #[test]
    fn with_room_they_are_the_corners_of_the_nearest_regular_simplex() {
        for (clusters, dimensions) in [(10, 32), (10, 9), (3, 2), (2, 1)] {
            let means = means(clusters, dimensions);
            let found = spread(&means, 10.0);
            let products = found.matmul(&found.tr());
            // Corners of a regular simplex: −1 / (clusters − 1) is the cosine between any two.
            let options = (Kind::Float, Device::Cpu);
            let between = -100.0 / (clusters - 1) as f64;
            let expected = Tensor::eye(clusters, options) * (100.0 - between) + between;
            assert!(products.allclose(&expected, 1e-4, 1e-3, false), "{clusters} in {dimensions}");
            // No other is nearer: neither turned at random nor with two corners that change places.
            let along = |corners: &Tensor| (corners * &means).sum(Kind::Double).double_value(&[]);
            for seed in 0..20 {
                tch::manual_seed(seed);
                let (turn, _) = Tensor::linalg_qr(&Tensor::randn([dimensions, dimensions], options), "reduced");
                assert!(along(&found) >= along(&found.matmul(&turn)) - 1e-3);
            }
            let swapped = found.index_select(0, &Tensor::arange(clusters, (Kind::Int64, Device::Cpu)).roll([1], [0]));
            assert!(along(&found) > along(&swapped));
        }
    }

    /// A cluster without images has the mean of all: its centre still lies as far from the others as any.
    #[test]
    fn a_cluster_in_the_middle_has_its_corner_too() {
        let centred = means(10, 32) - 5.0;
        centred.get(4).copy_(&centred.mean_dim([0].as_slice(), false, Kind::Float));
        let all_alike = Tensor::ones([10, 32], (Kind::Float, Device::Cpu));
        for means in [centred, all_alike] {
            let found = spread(&means, 1.0);
            let distances = Tensor::cdist(&found, &found, 2.0, None::<i64>);
            let off = distances + Tensor::eye(10, (Kind::Float, Device::Cpu)) * 10.0;
            assert!((off.min().double_value(&[]) - (20.0_f64 / 9.0).sqrt()).abs() < 1e-4);
        }
    }

    #[test]
    fn without_room_each_goes_in_its_own_direction() {
        let means = means(10, 2);
        let spread = spread(&means, 10.0);
        let lengths = spread.norm_scalaropt_dim(2.0, [1], false);
        assert!(lengths.allclose(&(lengths.ones_like() * 10.0), 1e-4, 1e-4, false));
        let centred = &means - means.mean_dim([0].as_slice(), true, Kind::Float);
        let along = (&centred * &spread).sum_dim_intlist([1].as_slice(), false, Kind::Float);
        let expected = centred.norm_scalaropt_dim(2.0, [1], false) * 10.0;
        assert!(along.allclose(&expected, 1e-4, 1e-4, false));
    }
}
