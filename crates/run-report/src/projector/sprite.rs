//! The images of points, side by side in one picture.

use run_store::{DatasetFile, Point, Split, VerifiedFile};

use super::points::Points;
use crate::blocks::thousands;
use crate::drawing::grey_png;
use crate::source_images::{dataset_of, image};
use crate::text::full;

/// The projector takes no picture that is wider or higher.
const LIMIT: usize = 8192;

/// Which images of which dataset belong to points.
pub(super) struct Album {
    dataset: VerifiedFile,
    images: Vec<(Split, u32, u8)>,
}

/// Images side by side: as many rows as columns, since in another grid the projector would pick points by parts of images.
pub(super) struct Sprite {
    pub png: Vec<u8>,
    /// Rows and columns of pixels of an image.
    pub height: u32,
    pub width: u32,
}

impl Album {
    /// The images that `points` are of, or why they are not there.
    pub fn of(points: &Points) -> Result<Self, String> {
        let dataset = dataset_of(&points.exported).map_err(|error| full(&error))?;
        let image = |point: &Point| (point.split, point.index, point.label);
        Ok(Self { dataset, images: points.known.iter().map(image).collect() })
    }

    /// Whether its images are those of `other`, in their order.
    pub fn shows_the_same(&self, other: &Self) -> bool {
        self.dataset.hash() == other.dataset.hash() && self.images == other.images
    }

    /// The picture, or why it cannot be drawn.
    pub fn draw(&self) -> Result<Sprite, String> {
        let dataset_file = DatasetFile::read(self.dataset.path()).map_err(|error| full(&error))?;
        let dataset = dataset_file.dataset().map_err(|error| full(&error))?;
        let (height, width) = (dataset.height as usize, dataset.width as usize);
        let columns = self.columns(height, width)?;
        let mut pixels = vec![0; columns * height * columns * width];
        for (position, wanted) in self.images.iter().enumerate() {
            let image = image(&dataset, self.dataset.path(), *wanted).map_err(|error| full(&error))?;
            let (top, left) = (position / columns * height, position % columns * width);
            for (row, line) in image.chunks_exact(width).enumerate() {
                pixels[((top + row) * columns * width + left)..][..width].copy_from_slice(line);
            }
        }
        Ok(Sprite { png: grey_png((columns * width) as u32, &pixels), height: dataset.height, width: dataset.width })
    }

    /// How many images of `height` × `width` pixels stand side by side, or why so many cannot.
    fn columns(&self, height: usize, width: usize) -> Result<usize, String> {
        let count = self.images.len();
        let root = count.isqrt();
        let columns = if root * root < count { root + 1 } else { root };
        let side = LIMIT / height.max(width);
        if columns <= side {
            return Ok(columns);
        }
        let room = side * side;
        let of_train = self.images.iter().filter(|(split, ..)| *split == Split::Train).count();
        // Of the smaller split all may be taken, if that leaves more for the other one.
        let fitting = room.saturating_sub(of_train.min(count - of_train)).max(room / 2);
        let advice = match fitting {
            0 => "no number of them does".to_owned(),
            fitting => format!("--count {fitting} takes as many of each split as do"),
        };
        let count = thousands(count as u64);
        Err(format!(
            "{count} of {height} × {width} pixels do not fit into the {LIMIT} × {LIMIT} that the projector takes; {advice}"
        ))
    }
}
