//! The bytes of a file that may be gzipped, read without trusting any length but the file's own.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Seek},
    path::Path,
};

use flate2::read::MultiGzDecoder;
use run_store::contain_panics;

use super::IdxError;

/// What every member of a gzip file starts with (RFC 1952, section 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The most bytes that one byte of a gzip file unpacks to: deflate's longest match is 258 bytes and
/// its shortest code for one takes 2 bits, so a byte makes at most four matches.
const MOST_BYTES_PER_GZIP_BYTE: u64 = 4 * 258;

/// The most bytes that one byte of a gzip file of images unpacks to: MNIST's unpacks to five.
const USUAL_BYTES_PER_GZIP_BYTE: u64 = 64;

/// What may be packed more tightly, 64 MiB unpacked.
const SMALL: u64 = 64 << 20;

/// A regular file open for reading, unpacked on the way if it is gzipped.
pub(super) struct Source<'path> {
    path: &'path Path,
    file_length: u64,
    stream: Stream,
}

enum Stream {
    Raw(File),
    Gzip(Box<MultiGzDecoder<File>>),
}

/// What the length of a file says about the number of bytes that [`Source`] yields.
#[derive(Clone, Copy)]
pub(super) enum Length {
    /// The file is raw.
    Exactly(u64),
    /// The file is gzipped, and no images are packed more tightly than this.
    AtMost(u64),
}

impl<'path> Source<'path> {
    /// Opens the file and finds out whether it is gzipped.
    pub(super) fn open(path: &'path Path) -> Result<Self, IdxError> {
        let cannot_open = |source| IdxError::Open { path: path.into(), source };
        let cannot_read = |source| IdxError::Read { path: path.into(), source };
        // A directory cannot be read, and a pipe has no length to hold a header against. Asked before
        // opening, since that waits for a pipe's writer.
        let metadata = fs::metadata(path).map_err(cannot_open)?;
        if !metadata.is_file() {
            return Err(IdxError::NotAFile { path: path.into() });
        }

        let mut file = File::open(path).map_err(cannot_open)?;
        let mut start = Vec::new();
        (&file).take(GZIP_MAGIC.len() as u64).read_to_end(&mut start).map_err(cannot_read)?;
        file.rewind().map_err(cannot_read)?;
        let stream = if start == GZIP_MAGIC {
            // A gzip file may be several streams in a row, as parallel packers write them.
            Stream::Gzip(Box::new(MultiGzDecoder::new(file)))
        } else {
            Stream::Raw(file)
        };
        Ok(Self { path, file_length: metadata.len(), stream })
    }

    /// The path that the file was opened by.
    pub(super) fn path(&self) -> &'path Path {
        self.path
    }

    /// The number of bytes from the start of the file, as far as known without reading them.
    pub(super) fn length(&self) -> Length {
        match self.stream {
            Stream::Raw(_) => Length::Exactly(self.file_length),
            Stream::Gzip(_) => {
                let most = self.file_length.saturating_mul(MOST_BYTES_PER_GZIP_BYTE);
                Length::AtMost(most.min(self.file_length.saturating_mul(USUAL_BYTES_PER_GZIP_BYTE).max(SMALL)))
            }
        }
    }

    /// Appends the next `limit` bytes to `buffer`, or fewer where the data ends.
    ///
    /// `limit` may come from a header that lies: at first only as much is set aside as the file
    /// itself is long, and beyond that the buffer doubles as bytes arrive to fill it. Running out
    /// of memory is an error, not an abort.
    pub(super) fn append(&mut self, limit: u64, buffer: &mut Vec<u8>) -> Result<(), IdxError> {
        self.try_append(limit, buffer).map_err(|source| {
            let path = self.path.into();
            match self.stream {
                Stream::Gzip(_) if is_damage(&source) => IdxError::BrokenGzip { path, source },
                _ => IdxError::Read { path, source },
            }
        })
    }

    fn try_append(&mut self, limit: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
        let at_first = usize::try_from(limit.min(self.file_length)).unwrap_or(usize::MAX);
        buffer.try_reserve_exact(at_first)?;
        match &mut self.stream {
            Stream::Raw(file) => file.take(limit).read_to_end(buffer)?,
            Stream::Gzip(decoder) => contain_panics(|| decoder.take(limit).read_to_end(buffer))
                .map_err(|panic| io::Error::new(ErrorKind::InvalidData, panic))??,
        };
        Ok(())
    }
}

/// Whether the gzip decoder found fault with the data, as opposed to not getting any.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
}
