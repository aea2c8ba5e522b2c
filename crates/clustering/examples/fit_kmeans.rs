//! Fits K-means to a file of f32 numbers, point × dimension, as a subject of `scripts/bench`: prints the seconds of each fit
//! and the inertia, a line of JSON each.
//!
//! usage: `fit_kmeans FILE DIMENSIONS CLUSTERS RESTARTS THREADS ROUNDS [streamed]`
//!
//! Streamed, the file is read again at every pass, and no more than a piece of it is in memory.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, ensure};
use clustering::{FitOptions, Look, Points, assign, fit, fit_pieces};
use ndarray::ArrayView2;

/// Points of a piece.
const PIECE: usize = 1 << 16;

fn main() -> anyhow::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_streamed = arguments.pop_if(|last| last == "streamed").is_some();
    let [path, numbers @ ..] = arguments.as_slice() else { anyhow::bail!("expected a file, see the source") };
    let numbers = numbers.iter().map(|word| word.parse()).collect::<Result<Vec<usize>, _>>()?;
    let &[dimensions, cluster_count, restarts, threads, rounds] = numbers.as_slice() else {
        anyhow::bail!("expected a file and five numbers, see the source")
    };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let values = usize::try_from(std::fs::metadata(path).with_context(|| path.clone())?.len())? / size_of::<f32>();
    ensure!(dimensions > 0 && values.is_multiple_of(dimensions), "{path}: not a whole number of points");
    let file = PointFile { path: path.into(), count: values / dimensions, dimensions };
    let points = if is_streamed { Vec::new() } else { file.read().with_context(|| path.clone())? };
    for seed in 0..rounds as u64 {
        let options = FitOptions::new(cluster_count, restarts, seed);
        let begin = Instant::now();
        let centroids = if is_streamed { fit_pieces(&file, &options)? } else { fit(&points, dimensions, &options)? };
        let seconds = begin.elapsed().as_secs_f64();
        let mut inertia = 0.0;
        file.for_each_piece(&mut |piece| {
            inertia += assign(piece.as_slice().unwrap_or_default(), &centroids, dimensions).inertia();
            Ok(())
        })?;
        println!("{{\"seconds\": {seconds:.6}, \"inertia\": {inertia:.6}}}");
    }
    Ok(())
}

/// Points in a file, read piece by piece.
struct PointFile {
    path: PathBuf,
    count: usize,
    dimensions: usize,
}

impl PointFile {
    /// All values: the bytes of millions of points are not held beside them.
    fn read(&self) -> anyhow::Result<Vec<f32>> {
        let mut points = Vec::with_capacity(self.count * self.dimensions);
        self.for_each_piece(&mut |piece| {
            points.extend(piece.iter());
            Ok(())
        })?;
        Ok(points)
    }
}

impl Points for PointFile {
    type Error = anyhow::Error;

    fn count(&self) -> usize {
        self.count
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn for_each_piece(&self, look: &mut Look<'_, anyhow::Error>) -> anyhow::Result<()> {
        let mut file = File::open(&self.path)?;
        let mut bytes = vec![0; PIECE * self.dimensions * size_of::<f32>()];
        for first in (0..self.count).step_by(PIECE) {
            let count = PIECE.min(self.count - first);
            bytes.truncate(count * self.dimensions * size_of::<f32>());
            file.read_exact(&mut bytes)?;
            let (values, _) = bytes.as_chunks::<4>();
            let values: Vec<f32> = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            look(ArrayView2::from_shape((count, self.dimensions), &values)?)?;
        }
        Ok(())
    }
}
