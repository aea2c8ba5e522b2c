mod allocation;
mod fuzzed;

use std::{
    error::Error,
    fs,
    io::{Read, Write},
    path::PathBuf,
};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use proptest::{collection::vec, prelude::*};
use tempfile::TempDir;

use self::allocation::largest_during;
use super::{IdxError, Images, magic, read_images, read_labels};

/// The fixed memory of a reader: paths and messages, and for gzip the decoder's own buffers.
const FIXED_MEMORY: usize = 1 << 16;

/// A file of its own for each test.
struct TestFile {
    path: PathBuf,
    _directory: TempDir,
}

impl TestFile {
    fn new(content: &[u8]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("data");
        let file = Self { path, _directory: directory };
        file.set(content);
        file
    }

    fn set(&self, content: &[u8]) {
        fs::write(&self.path, content).expect("a writable file");
    }

    fn images(&self) -> Result<Images, IdxError> {
        read_images(&self.path)
    }

    fn labels(&self) -> Result<Vec<u8>, IdxError> {
        read_labels(&self.path)
    }
}

/// An IDX file with this header, truthful or not, and these elements.
fn idx(magic: [u8; 4], sizes: &[u32], elements: &[u8]) -> Vec<u8> {
    let sizes = sizes.iter().flat_map(|size| size.to_be_bytes());
    magic.into_iter().chain(sizes).chain(elements.iter().copied()).collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).expect("memory to write to");
    encoder.finish().expect("memory to write to")
}

/// Two images of two rows by three columns.
fn two_images() -> Vec<u8> {
    let pixels: Vec<u8> = (0..12).collect();
    idx(magic::IMAGES, &[2, 2, 3], &pixels)
}

/// The message for `content` read as images, without the path that it must start with.
fn images_message(content: &[u8]) -> String {
    let file = TestFile::new(content);
    let message = file.images().expect_err("no image file").to_string();
    let start = format!("{}: ", file.path.display());
    message.strip_prefix(&start).unwrap_or_else(|| panic!("{message:?} does not name the file")).to_owned()
}

/// The two ways in which a content may be stored.
fn raw_and_gzipped(content: &[u8]) -> [Vec<u8>; 2] {
    [content.to_vec(), gzip(content)]
}

#[test]
fn reads_images() -> Result<(), IdxError> {
    for content in raw_and_gzipped(&two_images()) {
        let images = TestFile::new(&content).images()?;
        assert_eq!(images, Images { count: 2, height: 2, width: 3, pixels: (0..12).collect() });
    }
    Ok(())
}

#[test]
fn reads_labels() -> Result<(), IdxError> {
    for content in raw_and_gzipped(&idx(magic::LABELS, &[3], &[5, 0, 255])) {
        assert_eq!(TestFile::new(&content).labels()?, [5, 0, 255]);
    }
    Ok(())
}

#[test]
fn reads_gzip_of_several_members() -> Result<(), IdxError> {
    let content = two_images();
    for cut in 0..=content.len() {
        let (first, second) = content.split_at(cut);
        let file = TestFile::new(&[gzip(first), gzip(second)].concat());
        assert_eq!(file.images()?.pixels, content[16..]);
    }
    Ok(())
}

#[test]
fn reads_the_tightest_gzip() -> Result<(), IdxError> {
    // Zeros pack almost as tightly as deflate can, which must not count as implausible.
    let pixels = vec![0; 5_000_000];
    let content = gzip(&idx(magic::IMAGES, &[5, 1000, 1000], &pixels));
    assert!(pixels.len() / content.len() > 1000, "{}", content.len());
    assert_eq!(TestFile::new(&content).images()?.pixels, pixels);
    Ok(())
}

#[test]
fn cannot_open_a_missing_file() {
    let file = TestFile::new(&[]);
    fs::remove_file(&file.path).expect("the file to be there");
    let error = file.images().expect_err("no file");
    assert!(matches!(error, IdxError::Open { .. }), "{error:?}");
    assert!(error.source().is_some());
    assert_eq!(
        error.to_string(),
        format!("{}: cannot open the file; check that it exists and may be read", file.path.display())
    );
}

#[test]
fn refuses_a_directory() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let error = read_labels(directory.path()).expect_err("no file");
    assert!(matches!(error, IdxError::NotAFile { .. }), "{error:?}");
}

#[test]
fn refuses_an_empty_file() {
    for content in raw_and_gzipped(&[]) {
        assert_eq!(images_message(&content), "expected an IDX file, found no data at all; fetch the file again");
    }
}

#[test]
fn refuses_a_truncated_header() {
    for length in [1, 3, 4, 15] {
        for content in raw_and_gzipped(&two_images()[..length]) {
            assert_eq!(
                images_message(&content),
                format!(
                    "expected a header of 16 bytes, found only {length}; \
                     the file is cut short, fetch it again"
                )
            );
        }
    }
}

#[test]
fn tells_images_and_labels_apart() {
    let labels = idx(magic::LABELS, &[3], &[5, 0, 4]);
    for content in raw_and_gzipped(&labels) {
        assert_eq!(
            images_message(&content),
            "expected an IDX file of images, starting with the bytes [00, 00, 08, 03], \
             found an IDX file of labels, starting with [00, 00, 08, 01]; \
             check that the paths of images and labels are not swapped"
        );
    }
    for content in raw_and_gzipped(&two_images()) {
        let error = TestFile::new(&content).labels().expect_err("images");
        assert!(
            error.to_string().ends_with(
                "expected an IDX file of labels, starting with the bytes [00, 00, 08, 01], \
                 found an IDX file of images, starting with [00, 00, 08, 03]; \
                 check that the paths of images and labels are not swapped"
            ),
            "{error}"
        );
    }
}

#[test]
fn says_what_another_file_looks_like() {
    let cases: [(&[u8], &str); 13] = [
        (&[0, 0, 0x08, 4], "unsigned bytes in 4 dimensions"),
        (&[0, 0, 0x09, 3], "signed bytes"),
        (&[0, 0, 0x0b, 3], "16-bit integers"),
        (&[0, 0, 0x0c, 3], "32-bit integers"),
        (&[0, 0, 0x0d, 3], "32-bit floats"),
        (&[0, 0, 0x0e, 3], "64-bit floats"),
        (&[0, 0, 0x0a, 3], "the unknown element type 0x0a"),
        (&[3, 8, 0, 0], "bytes in reverse"),
        (b"PK\x03\x04", "a zip archive"),
        (b"BZh9", "a bzip2 file"),
        (b"\xfd7zXZ\0", "an xz file"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"\x7fELF", "no IDX file"),
    ];
    for (content, hint) in cases {
        let message = images_message(content);
        assert!(message.contains(hint), "{hint:?} is not in {message:?}");
    }
    let message = images_message(&gzip(&gzip(&two_images())));
    assert!(message.contains("gzipped twice"), "{message}");
}

#[test]
fn refuses_sizes_of_zero() {
    let cases =
        [([0, 28, 28], "number of images"), ([1, 0, 28], "image height"), ([u32::MAX, u32::MAX, 0], "image width")];
    for (sizes, dimension) in cases {
        for content in raw_and_gzipped(&idx(magic::IMAGES, &sizes, &[])) {
            assert_eq!(
                images_message(&content),
                format!(
                    "expected the {dimension} to be at least 1, found 0 in the header; \
                     the file holds no data, use another"
                )
            );
        }
    }
    let error = TestFile::new(&idx(magic::LABELS, &[0], &[])).labels();
    assert!(matches!(error, Err(IdxError::ZeroSize { dimension: "number of labels", .. })), "{error:?}");
}

#[test]
fn refuses_sizes_beyond_any_dataset() {
    // The second product is 2 to the power of 64, just beyond what its type holds.
    for sizes in [[u32::MAX; 3], [1 << 31, 1 << 31, 4], [1 << 31, 4, 2]] {
        for content in raw_and_gzipped(&idx(magic::IMAGES, &sizes, &[1, 2, 3])) {
            assert_eq!(
                images_message(&content),
                format!(
                    "expected at most 8589934592 bytes of data, found sizes in the header that \
                     multiply to more, {sizes:?}; the header is damaged, fetch the file again"
                )
            );
        }
    }
}

#[test]
fn refuses_too_little_data() {
    for content in raw_and_gzipped(&two_images()[..20]) {
        assert_eq!(
            images_message(&content),
            "expected 12 bytes of data after the header, found only 4; \
             the file is cut short, fetch it again"
        );
    }
}

#[test]
fn refuses_trailing_data() {
    let mut content = two_images();
    content.push(0);
    for content in raw_and_gzipped(&content) {
        assert_eq!(
            images_message(&content),
            "expected 12 bytes of data after the header, found at least 13; \
             the file is not what its header says, fetch it again"
        );
    }
}

#[test]
fn refuses_more_data_than_gzip_can_hold() {
    let content = gzip(&idx(magic::IMAGES, &[60_000, 28, 28], &[0; 784]));
    let most = content.len() * 1032 - 16;
    assert_eq!(
        images_message(&content),
        format!(
            "expected 47040000 bytes of data by the header, found a gzip file that can hold at \
             most {most}; it is damaged or cut short, fetch it again, or unpack it if it is whole"
        )
    );
}

#[test]
fn refuses_a_broken_gzip_stream() {
    let sound = gzip(&two_images());
    let mut wrong_checksum = sound.clone();
    let checksum = sound.len() - 8;
    wrong_checksum[checksum] ^= 1;
    let mut wrong_method = sound.clone();
    wrong_method[2] = 0;
    let mut trailing = sound.clone();
    trailing.extend(b"more");
    for content in [&sound[..sound.len() - 1], &wrong_checksum, &wrong_method, &trailing] {
        let error = TestFile::new(content).images().expect_err("broken");
        assert!(matches!(error, IdxError::BrokenGzip { .. }), "{error:?}");
        assert!(error.source().is_some());
    }
    assert_eq!(
        images_message(&wrong_checksum),
        "expected an unbroken gzip stream, found a damaged or truncated one; fetch the file again"
    );
}

/// Images and labels that their headers fit, as the bytes of an IDX file.
fn any_idx() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any_images().prop_map(|images| images_idx(&images)),
        vec(any::<u8>(), 1..40).prop_map(|labels| labels_idx(&labels)),
    ]
}

fn any_images() -> impl Strategy<Value = Images> {
    (1_usize..5, 1_usize..5, 1_usize..5).prop_flat_map(|(count, height, width)| {
        vec(any::<u8>(), count * height * width).prop_map(move |pixels| Images { count, height, width, pixels })
    })
}

fn images_idx(images: &Images) -> Vec<u8> {
    let sizes = [images.count, images.height, images.width].map(|size| size as u32);
    idx(magic::IMAGES, &sizes, &images.pixels)
}

fn labels_idx(labels: &[u8]) -> Vec<u8> {
    idx(magic::LABELS, &[labels.len() as u32], labels)
}

/// Sizes as damage makes them: any at all, but often tiny, usual or huge.
fn any_size() -> impl Strategy<Value = u32> {
    prop_oneof![0_u32..4, Just(28), Just(1 << 16), Just(u32::MAX), any::<u32>()]
}

/// Content from sheer noise to files that are wrong in one place only.
fn hostile_content() -> impl Strategy<Value = Vec<u8>> {
    let noise = || vec(any::<u8>(), 0..200);
    let magic = prop_oneof![Just(magic::IMAGES), Just(magic::LABELS)];
    let wrong_header =
        (magic, vec(any_size(), 0..4), noise()).prop_map(|(magic, sizes, elements)| idx(magic, &sizes, &elements));
    let content = prop_oneof![noise(), wrong_header, any_idx()];
    (content, any::<bool>(), any::<Option<(prop::sample::Index, u8)>>()).prop_map(|(mut content, gzipped, damage)| {
        if gzipped {
            content = gzip(&content);
        }
        if let Some((index, byte)) = damage
            && !content.is_empty()
        {
            let index = index.index(content.len());
            content[index] = byte;
        }
        content
    })
}

/// How many bytes there are in `content` once unpacked, as far as it can be.
fn unpacked_length(content: &[u8]) -> usize {
    let mut unpacked = Vec::new();
    // What came before an error in the stream is kept, and is what a reader may have stored.
    let _ = MultiGzDecoder::new(content).read_to_end(&mut unpacked);
    unpacked.len()
}

proptest! {
    #[test]
    fn nothing_panics_or_takes_undue_memory(content in hostile_content()) {
        let file = TestFile::new(&content);
        let (images, for_images) = largest_during(|| file.images());
        let (labels, for_labels) = largest_during(|| file.labels());

        // Twice, since a buffer that grows doubles.
        let due = FIXED_MEMORY + content.len() + 2 * unpacked_length(&content);
        prop_assert!(for_images <= due, "{for_images} bytes for {images:?}");
        prop_assert!(for_labels <= due, "{for_labels} bytes for {labels:?}");

        if let Ok(Images { count, height, width, pixels }) = &images {
            prop_assert!(!pixels.is_empty());
            prop_assert_eq!(count * height * width, pixels.len());
        }
        prop_assert!(images.is_err() || labels.is_err());
    }

    #[test]
    fn huge_headers_on_short_files_take_no_memory(
        count in prop_oneof![1_u32..2_000_000, 1..=u32::MAX],
        elements in vec(any::<u8>(), 0..2000),
        gzipped: bool,
    ) {
        prop_assume!(count as usize > elements.len());
        let mut content = idx(magic::LABELS, &[count], &elements);
        if gzipped {
            content = gzip(&content);
        }
        let file = TestFile::new(&content);
        let (labels, largest) = largest_during(|| file.labels());
        prop_assert!(labels.is_err());
        prop_assert!(largest <= FIXED_MEMORY, "{} bytes", largest);
    }

    #[test]
    fn images_round_trip(images in any_images()) {
        for content in raw_and_gzipped(&images_idx(&images)) {
            prop_assert_eq!(&TestFile::new(&content).images()?, &images);
        }
    }

    #[test]
    fn labels_round_trip(labels in vec(any::<u8>(), 1..300)) {
        for content in raw_and_gzipped(&labels_idx(&labels)) {
            prop_assert_eq!(&TestFile::new(&content).labels()?, &labels);
        }
    }
}

proptest! {
    // Each case is read at every length.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_truncation_is_an_error(
        content in any_idx(),
        member in any::<prop::sample::Index>(),
    ) {
        let (first, second) = content.split_at(member.index(content.len()));
        let members = [gzip(first), gzip(second)].concat();
        let file = TestFile::new(&[]);
        for whole in [content.clone(), gzip(&content), members] {
            file.set(&whole);
            prop_assert!(file.images().is_ok() || file.labels().is_ok());
            for length in 0..whole.len() {
                file.set(&whole[..length]);
                prop_assert!(file.images().is_err(), "{} of {}", length, whole.len());
                prop_assert!(file.labels().is_err(), "{} of {}", length, whole.len());
            }
        }
    }
}
