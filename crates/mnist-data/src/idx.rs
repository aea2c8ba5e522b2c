//! Reading of IDX files, the format in which MNIST and its look-alikes are published.
//!
//! The format is Yann LeCun's, described on the page of the MNIST database
//! (<http://yann.lecun.com/exdb/mnist/>, "The IDX file format"). A file of `d` dimensions is, with
//! every size stored most significant byte first:
//!
//! | offset    | bytes | meaning                                                  |
//! |-----------|-------|----------------------------------------------------------|
//! | 0         | 2     | always zero                                              |
//! | 2         | 1     | the element type, here always `0x08`, an unsigned byte   |
//! | 3         | 1     | `d`: 3 for images, 1 for labels                          |
//! | 4         | 4 × d | the sizes: the count, then for images height and width   |
//! | 4 + 4 × d | rest  | the elements, the last dimension varying fastest         |
//!
//! A file may be gzipped as a whole. That is told from its first two bytes, not from its name:
//! browsers and mirrors unpack such files without renaming them.

mod error;
mod magic;
mod source;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use self::error::IdxError;
use self::source::{Length, Source};

/// The most elements that a file may hold, 8 GiB. The largest file of this family known, the
/// 8.1 million images of infinite MNIST, holds 6.4 GB: what claims more is a damaged header, or a
/// gzip file made to exhaust the memory.
const MOST_ELEMENTS: u64 = 8 << 30;

/// Grey-scale images of one size, as an IDX file stores them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Number of images, at least 1.
    pub count: usize,
    /// Rows of pixels in an image, at least 1.
    pub height: usize,
    /// Columns of pixels in an image, at least 1.
    pub width: usize,
    /// One byte a pixel, of shape `[count, height, width]` in row-major order, so `count * height *
    /// width` bytes. In MNIST 0 is the background and 255 full ink.
    pub pixels: Vec<u8>,
}

/// Reads an IDX file of images: unsigned bytes in three dimensions, raw or gzipped.
///
/// # Errors
///
/// An [`IdxError`] says in which way the file is not exactly such a file: it cannot be read, is cut
/// short, goes on after its last pixel, holds something else, or holds no pixels. The memory used
/// stays in proportion to the data the file really has, whatever its header claims.
pub fn read_images(path: &Path) -> Result<Images, IdxError> {
    let dimensions = ["number of images", "image height", "image width"];
    let ([count, height, width], pixels) = read(path, magic::IMAGES, dimensions)?;
    Ok(Images { count, height, width, pixels })
}

/// Reads an IDX file of labels: unsigned bytes in one dimension, raw or gzipped. The result has one
/// label an image, in the order of the images, and at least one.
///
/// Any byte is taken for a label, since the valid ones depend on the dataset: 0 to 9 in MNIST, but
/// 0 to 61 in the largest split of EMNIST.
///
/// # Errors
///
/// As for [`read_images`].
pub fn read_labels(path: &Path) -> Result<Vec<u8>, IdxError> {
    let ([_count], labels) = read(path, magic::LABELS, ["number of labels"])?;
    Ok(labels)
}

/// Reads a file with the given magic number and dimensions: their sizes, and all the elements.
fn read<const DIMENSIONS: usize>(
    path: &Path,
    expected_magic: [u8; magic::LENGTH],
    dimensions: [&'static str; DIMENSIONS],
) -> Result<([usize; DIMENSIONS], Vec<u8>), IdxError> {
    let mut source = Source::open(path)?;
    let header_length = magic::LENGTH + DIMENSIONS * size_of::<u32>();
    let mut header = Vec::new();
    source.append(header_length as u64, &mut header)?;

    if header.is_empty() {
        return Err(IdxError::Empty { path: path.into() });
    }
    let truncated = || IdxError::TruncatedHeader { path: path.into(), expected: header_length, found: header.len() };
    // The magic number is judged first: a few bytes of something else are not a truncated header.
    let (&found_magic, sizes) = header.split_first_chunk().ok_or_else(truncated)?;
    if found_magic != expected_magic {
        return Err(IdxError::WrongMagic { path: path.into(), expected: expected_magic, found: found_magic });
    }
    let (sizes, _) = sizes.as_chunks();
    let sizes = <[[u8; 4]; DIMENSIONS]>::try_from(sizes).map_err(|_| truncated())?.map(u32::from_be_bytes);

    let length = element_count(path, sizes, dimensions)?;
    let elements = read_elements(&mut source, header_length as u64, length)?;
    // No size is larger than their product, which is the length of a vector by now.
    Ok((sizes.map(|size| size as usize), elements))
}

/// The number of elements in an array of these sizes, between 1 and [`MOST_ELEMENTS`].
fn element_count<const DIMENSIONS: usize>(
    path: &Path,
    sizes: [u32; DIMENSIONS],
    dimensions: [&'static str; DIMENSIONS],
) -> Result<u64, IdxError> {
    for (size, dimension) in sizes.into_iter().zip(dimensions) {
        if size == 0 {
            return Err(IdxError::ZeroSize { path: path.into(), dimension });
        }
    }
    sizes
        .into_iter()
        .try_fold(1_u64, |product, size| product.checked_mul(size.into()))
        .filter(|&count| count <= MOST_ELEMENTS)
        .ok_or_else(|| IdxError::TooLarge { path: path.into(), sizes: sizes.to_vec(), most: MOST_ELEMENTS })
}

/// Reads the `expected` elements that the header claims, and makes sure that nothing follows them.
fn read_elements(source: &mut Source, header_length: u64, expected: u64) -> Result<Vec<u8>, IdxError> {
    let path = source.path();
    // What the length of the file rules out is refused before memory is set aside for it.
    match source.length() {
        Length::Exactly(total) => {
            check_length(path, expected, total.saturating_sub(header_length))?;
        }
        Length::AtMost(total) if total < header_length + expected => {
            return Err(IdxError::Implausible {
                path: path.into(),
                expected,
                most: total.saturating_sub(header_length),
            });
        }
        Length::AtMost(_) => {}
    }

    let mut elements = Vec::new();
    // One byte more than expected is enough to notice trailing data. Asking for it also makes a
    // gzip stream reach its end, where its checksum is compared.
    source.append(expected + 1, &mut elements)?;
    check_length(path, expected, elements.len() as u64)?;
    elements.shrink_to_fit();
    Ok(elements)
}

/// Compares the number of element bytes found with the one that the header claims.
fn check_length(path: &Path, expected: u64, found: u64) -> Result<(), IdxError> {
    let path = || path.into();
    if found < expected {
        return Err(IdxError::TooShort { path: path(), expected, found });
    }
    if found > expected {
        return Err(IdxError::TooLong { path: path(), expected, found });
    }
    Ok(())
}
