//! The values that both sides compute: a formula of a parameter's number and of the place in Keras' layout.

/// Place `index` of the sequence `number`: 64 well-mixed bits (the finaliser of SplitMix64, Steele et al. 2014).
pub(crate) fn mixed(number: u64, index: u64) -> u64 {
    let mut value = index.wrapping_add((number + 1) << 32);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The first `count` places of the sequence `number` in [-1, 1), `spread` wide and around `centre`.
pub(crate) fn values(number: u64, count: u64, centre: f64, spread: f64) -> Vec<f32> {
    (0..count)
        .map(|index| {
            // 24 bits, so that both sides' f64 is exact until `spread` is applied.
            let symmetric = (mixed(number, index) >> 40) as f64 / f64::from(1 << 23) - 1.0;
            (centre + spread * symmetric) as f32
        })
        .collect()
}

/// The number of the first parameter of a model with this many latents. `keras_models.py` says why it is not 0.
pub(crate) fn first_number(latent_size: u32) -> u64 {
    match latent_size {
        2 => 400,
        32 => 450,
        _ => panic!("expected 2 or 32 latents, found {latent_size}"),
    }
}

/// The bound of Glorot-uniform values of a kernel in Keras' layout: … × in × out, or … × out × in, which is all the
/// same.
pub(crate) fn glorot_limit(keras_shape: &[i64]) -> f64 {
    let (area, channels) = keras_shape.split_at(keras_shape.len() - 2);
    let fans = area.iter().product::<i64>() * channels.iter().sum::<i64>();
    (6.0 / fans as f64).sqrt()
}
