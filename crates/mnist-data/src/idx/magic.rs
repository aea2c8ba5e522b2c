//! The four bytes that an IDX file starts with, and what other bytes in their place tell.

use std::borrow::Cow;

/// Length of a magic number in bytes.
pub(super) const LENGTH: usize = 4;

/// Unsigned bytes in three dimensions.
pub(super) const IMAGES: [u8; LENGTH] = [0, 0, UNSIGNED_BYTE, 3];

/// Unsigned bytes in one dimension.
pub(super) const LABELS: [u8; LENGTH] = [0, 0, UNSIGNED_BYTE, 1];

const UNSIGNED_BYTE: u8 = 0x08;

/// What a file starting with these bytes is, and what to do if it was to be another.
pub(super) fn recognise(magic: [u8; LENGTH]) -> (Cow<'static, str>, &'static str) {
    const SWAPPED: &str = "check that the paths of images and labels are not swapped";
    const PACKED: &str = "unpack it first, or pack it with gzip";

    let (what, advice) = match magic {
        IMAGES => ("an IDX file of images", SWAPPED),
        LABELS => ("an IDX file of labels", SWAPPED),
        [0, 0, UNSIGNED_BYTE, dimensions] => {
            return (
                format!("an IDX file of unsigned bytes in {dimensions} dimensions").into(),
                "store images as count, height and width, and labels as one byte an image",
            );
        }
        [0, 0, element, _] => {
            return match element_type(element) {
                Some(name) => (format!("an IDX file of {name}").into(), "convert its elements to unsigned bytes"),
                None => (
                    format!("the unknown element type {element:#04x}").into(),
                    "check that it is an IDX file and not damaged",
                ),
            };
        }
        [1..=4, UNSIGNED_BYTE..=0x0e, 0, 0] => {
            ("an IDX header with its bytes in reverse", "write its numbers again, most significant byte first")
        }
        // The outer layer is off already.
        [0x1f, 0x8b, ..] => ("a file gzipped twice", "unpack it once"),
        [b'P', b'K', 3, 4] => ("a zip archive", PACKED),
        [b'B', b'Z', b'h', _] => ("a bzip2 file", PACKED),
        [0xfd, b'7', b'z', b'X'] => ("an xz file", PACKED),
        [0x28, 0xb5, 0x2f, 0xfd] => ("a zstd file", PACKED),
        [b'<', ..] => ("a web page", "fetch the file again, as a server may have sent an error page in its place"),
        _ => ("something that is no IDX file", "check the path"),
    };
    (what.into(), advice)
}

/// The element types of IDX other than the unsigned byte.
fn element_type(code: u8) -> Option<&'static str> {
    match code {
        0x09 => Some("signed bytes"),
        0x0b => Some("16-bit integers"),
        0x0c => Some("32-bit integers"),
        0x0d => Some("32-bit floats"),
        0x0e => Some("64-bit floats"),
        _ => None,
    }
}
