//! The one place where bytes meet bincode, for which formats only derive: a payload behind a magic number, a version and its length.
//!
//! Large payloads and long [`Numbers`] are taken from the bytes of the file, so a length that a broken file claims cannot make
//! them allocate. Short ones own their values, up to a limit of their format.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use bincode::config::{Configuration, Fixint, LittleEndian};
use bincode::de::read::BorrowReader;
use bincode::de::{BorrowDecoder, Decode};
use bincode::error::DecodeError;
use bincode::{BorrowDecode, Encode};

use crate::contained::contain_panics;
use crate::error::{Result, StoreError};
use crate::opened::{self, SIZE_LIMIT};

const HEADER_LENGTH: usize = 20;

/// What tells one kind of file from another.
pub(crate) struct Format {
    pub kind: &'static str,
    pub magic: [u8; 8],
    pub version: u32,
}

fn configuration() -> Configuration<LittleEndian, Fixint> {
    bincode::config::standard().with_fixed_int_encoding()
}

pub(crate) fn write<T: Encode>(format: &Format, path: &Path, payload: &T) -> Result<()> {
    let mut counter = bincode::enc::write::SizeWriter::default();
    let unwritable = |error: bincode::error::EncodeError| {
        StoreError::invalid(path, format!("{} cannot be encoded: {error}", format.kind), "report this")
    };
    bincode::encode_into_writer(payload, &mut counter, configuration()).map_err(unwritable)?;
    let file = File::create(path).map_err(StoreError::io("create", path))?;
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    let mut header = Vec::with_capacity(HEADER_LENGTH);
    header.extend(format.magic);
    header.extend(format.version.to_le_bytes());
    header.extend((counter.bytes_written as u64).to_le_bytes());
    writer.write_all(&header).map_err(StoreError::io("write", path))?;
    bincode::encode_into_std_write(payload, &mut writer, configuration()).map_err(unwritable)?;
    writer.flush().map_err(StoreError::io("write", path))
}

/// The bytes of a file, its header checked.
#[derive(Debug)]
pub(crate) struct Encoded {
    bytes: Vec<u8>,
}

impl Encoded {
    pub(crate) fn read(format: &Format, path: &Path) -> Result<Self> {
        let kind = format.kind;
        let invalid =
            |problem: String| StoreError::invalid(path, problem, format!("rerun the stage that writes the {kind}"));
        let bytes = opened::read(path, &format!("a {kind}"), SIZE_LIMIT)?;
        let Some((header, payload)) = bytes.split_at_checked(HEADER_LENGTH) else {
            return Err(invalid(format!("expected a {kind}, found a file of only {} bytes", bytes.len())));
        };
        let (magic, numbers) = header.split_at(8);
        let (version, payload_length) = numbers.split_at(4);
        if magic != format.magic {
            return Err(invalid(format!("expected a {kind}, found another kind of file")));
        }
        let version = version.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        if version > u64::from(format.version) {
            return Err(StoreError::TooNew { path: path.to_owned(), kind, found: version, supported: format.version });
        }
        if version < u64::from(format.version) {
            return Err(invalid(format!("expected a {kind} of version {}, found version {version}", format.version)));
        }
        let expected = payload_length.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        if expected != payload.len() as u64 {
            return Err(invalid(format!("expected {expected} bytes after the header, found {}", payload.len())));
        }
        Ok(Self { bytes })
    }

    /// Decodes the payload, which may allocate at most `LIMIT` bytes.
    pub(crate) fn decode<'a, T: BorrowDecode<'a, ()>, const LIMIT: usize>(
        &'a self,
        format: &Format,
        path: &Path,
    ) -> Result<T> {
        let payload = self.bytes.get(HEADER_LENGTH..).unwrap_or_default();
        let invalid = |problem| StoreError::invalid(path, problem, "rerun the stage that wrote it");
        let decode = || bincode::borrow_decode_from_slice(payload, configuration().with_limit::<LIMIT>());
        let (value, read) = contain_panics(|| decode().map_err(|error| in_words(&error)))
            .flatten()
            .map_err(|problem| invalid(format!("the {} cannot be decoded ({problem})", format.kind)))?;
        if read != payload.len() {
            return Err(invalid(format!("the {} ends after {read} of {} bytes", format.kind, payload.len())));
        }
        Ok(value)
    }
}

/// What is wrong with a payload: bincode's errors name the types of a program.
fn in_words(error: &DecodeError) -> String {
    match error {
        DecodeError::UnexpectedEnd { .. } => "it ends within a value".to_owned(),
        DecodeError::LimitExceeded => "it promises more values than there can be".to_owned(),
        DecodeError::Utf8 { .. } => "a text in it is not UTF-8".to_owned(),
        _ => "a value in it is none of those that there can be".to_owned(),
    }
}

/// A list of numbers, decoded once its bytes are known to be there. On disk it is as a `Vec<f64>` is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Numbers(pub Vec<f64>);

impl<'a, C> BorrowDecode<'a, C> for Numbers {
    fn borrow_decode<D: BorrowDecoder<'a, Context = C>>(decoder: &mut D) -> std::result::Result<Self, DecodeError> {
        let length = u64::decode(decoder)?.checked_mul(size_of::<f64>() as u64);
        let length = length.and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or(DecodeError::LimitExceeded)?;
        let bytes = decoder.borrow_reader().take_bytes(length)?;
        Ok(Self(bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()))
    }
}
