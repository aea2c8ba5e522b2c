//! What can be wrong with a file, told so that the message alone is enough to act on.

use std::{io, path::PathBuf};

use super::magic;

/// Why a file could not be read as IDX. Every message names the file, here always `path`.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    /// The file is missing, or may not be opened.
    #[error("{path}: cannot open the file; check that it exists and may be read")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// Reading failed for a reason outside the file's content, such as a failing disk, or memory
    /// running out.
    #[error("{path}: cannot read the file to its end; check the disk and the free memory")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The path leads to a directory, a pipe or a device.
    #[error("{path}: expected a regular file, found a directory, pipe or device; name the IDX file")]
    NotAFile {
        /// What is no file.
        path: PathBuf,
    },

    /// There is not a single byte, once unpacked.
    #[error("{path}: expected an IDX file, found no data at all; fetch the file again")]
    Empty {
        /// The file.
        path: PathBuf,
    },

    /// The data ends inside the header.
    #[error(
        "{path}: expected a header of {expected} bytes, found only {found}; \
         the file is cut short, fetch it again"
    )]
    TruncatedHeader {
        /// The file.
        path: PathBuf,
        /// Length of the header in bytes.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },

    /// The first four bytes are not those of the kind of file asked for.
    #[error(
        "{path}: expected {}, starting with the bytes {expected:02x?}, found {}, starting with \
         {found:02x?}; {}",
        magic::recognise(*expected).0,
        magic::recognise(*found).0,
        magic::recognise(*found).1
    )]
    WrongMagic {
        /// The file.
        path: PathBuf,
        /// The magic number of the kind of file asked for.
        expected: [u8; 4],
        /// The first four bytes, once unpacked.
        found: [u8; 4],
    },

    /// The header gives a dimension the size zero, so that there is no data.
    #[error(
        "{path}: expected the {dimension} to be at least 1, found 0 in the header; \
         the file holds no data, use another"
    )]
    ZeroSize {
        /// The file.
        path: PathBuf,
        /// What the dimension counts.
        dimension: &'static str,
    },

    /// The sizes in the header multiply to more than any dataset has.
    #[error(
        "{path}: expected at most {most} bytes of data, found sizes in the header that multiply \
         to more, {sizes:?}; the header is damaged, fetch the file again"
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The sizes in the header, one a dimension.
        sizes: Vec<u32>,
        /// The most bytes of data that are accepted.
        most: u64,
    },

    /// The header claims more data than a gzip file of this length can unpack to.
    #[error(
        "{path}: expected {expected} bytes of data by the header, found a gzip file that can hold \
         at most {most}; it is damaged or cut short, fetch it again, or unpack it if it is whole"
    )]
    Implausible {
        /// The file.
        path: PathBuf,
        /// Bytes of data by the header.
        expected: u64,
        /// The most bytes of data that there can be.
        most: u64,
    },

    /// The data ends before the header says.
    #[error(
        "{path}: expected {expected} bytes of data after the header, found only {found}; \
         the file is cut short, fetch it again"
    )]
    TooShort {
        /// The file.
        path: PathBuf,
        /// Bytes of data by the header.
        expected: u64,
        /// Bytes of data that are there.
        found: u64,
    },

    /// The data goes on after the header says that it ends.
    #[error(
        "{path}: expected {expected} bytes of data after the header, found at least {found}; \
         the file is not what its header says, fetch it again"
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Bytes of data by the header.
        expected: u64,
        /// Bytes of data that are there. Unpacking stops at the first byte too many, so a gzip file
        /// may have more.
        found: u64,
    },

    /// The file starts like gzip, but does not unpack.
    #[error(
        "{path}: expected an unbroken gzip stream, found a damaged or truncated one; \
         fetch the file again"
    )]
    BrokenGzip {
        /// The file.
        path: PathBuf,
        /// What is wrong with the stream.
        source: io::Error,
    },
}
