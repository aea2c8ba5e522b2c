//! Fits K-means to a file of f32 numbers, point × dimension, as a subject of `scripts/bench`: prints the seconds of each fit
//! and the inertia, a line of JSON each.
//!
//! usage: `fit_kmeans FILE DIMENSIONS CLUSTERS RESTARTS THREADS ROUNDS`

use std::fs::File;
use std::io::Read;
use std::time::Instant;

use anyhow::{Context, ensure};
use clustering::{FitOptions, assign, fit};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, numbers @ ..] = arguments.as_slice() else { anyhow::bail!("expected a file, see the source") };
    let numbers = numbers.iter().map(|word| word.parse()).collect::<Result<Vec<usize>, _>>()?;
    let &[dimensions, cluster_count, restarts, threads, rounds] = numbers.as_slice() else {
        anyhow::bail!("expected a file and five numbers, see the source")
    };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let points = read(path).with_context(|| path.clone())?;
    ensure!(dimensions > 0 && points.len().is_multiple_of(dimensions), "{path}: not a whole number of points");
    for seed in 0..rounds as u64 {
        let options = FitOptions { cluster_count, restarts, iterations: 300, tolerance: 1e-4, seed };
        let begin = Instant::now();
        let centroids = fit(&points, dimensions, &options)?;
        let seconds = begin.elapsed().as_secs_f64();
        let inertia = assign(&points, &centroids, dimensions).inertia();
        println!("{{\"seconds\": {seconds:.6}, \"inertia\": {inertia:.6}}}");
    }
    Ok(())
}

/// The numbers of the file, read piece by piece: the bytes of millions of points are not held beside them.
fn read(path: &str) -> anyhow::Result<Vec<f32>> {
    let mut file = File::open(path)?;
    let mut points = Vec::with_capacity(usize::try_from(file.metadata()?.len())? / 4);
    let mut piece = vec![0; 1 << 20];
    loop {
        let mut filled = 0;
        while filled < piece.len() {
            match file.read(&mut piece[filled..])? {
                0 => break,
                more => filled += more,
            }
        }
        points.extend(
            piece[..filled].chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
        );
        if filled < piece.len() {
            return Ok(points);
        }
    }
}
