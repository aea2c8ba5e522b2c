//! Pictures as PNG files (ISO/IEC 15948): eight bits a colour, no transparency, so that the page is white everywhere.

use super::bitmap::Bitmap;

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];

/// Bytes of a coloured pixel.
const PIXEL: usize = 3;

/// What a pixel is, by the numbers of the standard.
const GREY: u8 = 0;
const COLOUR: u8 = 2;

/// How hard to look for what repeats, of 10: more takes longer and saves little.
const EFFORT: u8 = 6;

/// The bytes of a PNG file that shows `bitmap`.
pub(crate) fn png(bitmap: &Bitmap) -> Vec<u8> {
    file(bitmap.width(), bitmap.height(), COLOUR, &filtered(bitmap))
}

/// The bytes of a PNG file that shows grey `pixels`, rows of `width`. No row is foretold: of digits on black, which are mostly
/// the same byte over and over, nothing is saved by it.
pub(crate) fn grey_png(width: u32, pixels: &[u8]) -> Vec<u8> {
    let rows = pixels.chunks_exact((width as usize).max(1));
    let height = rows.len() as u32;
    let lines: Vec<u8> = rows.flat_map(|row| [0].into_iter().chain(row.iter().copied())).collect();
    file(width, height, GREY, &lines)
}

fn file(width: u32, height: u32, kind: u8, lines: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    // Eight bits, and the only compression, filtering and order of rows there is or is wanted.
    header.extend([8, kind, 0, 0, 0]);
    let mut file = SIGNATURE.to_vec();
    chunk(&mut file, b"IHDR", &header);
    chunk(&mut file, b"IDAT", &miniz_oxide::deflate::compress_to_vec_zlib(lines, EFFORT));
    chunk(&mut file, b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) {
    file.extend((content.len() as u32).to_be_bytes());
    let begin = file.len();
    file.extend(kind);
    file.extend(content);
    let sum = crc32fast::hash(&file[begin..]);
    file.extend(sum.to_be_bytes());
}

/// How a byte is foretold from the one to its left, the one above, and the one above that one's left: the filters of the
/// standard, by their numbers.
const FILTERS: [fn(u8, u8, u8) -> u8; 5] = [
    |_, _, _| 0,
    |left, _, _| left,
    |_, above, _| above,
    |left, above, _| ((u16::from(left) + u16::from(above)) / 2) as u8,
    paeth,
];

/// Of the three neighbours, the one nearest to left + above − above left.
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, above, corner].map(i32::from);
    let [to_left, to_above, to_corner] = [(b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs()];
    if to_left <= to_above && to_left <= to_corner {
        left
    } else if to_above <= to_corner {
        above
    } else {
        corner
    }
}

/// Each row's filter, then what the filter did not foretell: of the five that with the smallest sum, as the standard advises.
fn filtered(bitmap: &Bitmap) -> Vec<u8> {
    let length = bitmap.width() as usize * PIXEL;
    let mut above = vec![0; length];
    let mut all = Vec::with_capacity(bitmap.bytes().len() + bitmap.height() as usize);
    for row in bitmap.bytes().chunks_exact(length.max(1)) {
        let differences = (0_u8..).zip(FILTERS).map(|(number, foretell)| {
            let corner = |bytes: &[u8], position: usize| if position < PIXEL { 0 } else { bytes[position - PIXEL] };
            let difference = row.iter().enumerate().map(|(position, byte)| {
                byte.wrapping_sub(foretell(corner(row, position), above[position], corner(&above, position)))
            });
            (number, difference.collect::<Vec<u8>>())
        });
        let size = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(byte.cast_signed().unsigned_abs())).sum::<u64>();
        if let Some((number, difference)) = differences.min_by_key(|(_, difference)| size(difference)) {
            all.push(number);
            all.extend(difference);
        }
        above.copy_from_slice(row);
    }
    all
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::drawing::Colour;

    /// Width, height, kind and lines of a file.
    fn parts(file: &[u8]) -> (u32, u32, u8, Vec<u8>) {
        assert_eq!(file[..8], SIGNATURE);
        let mut rest = &file[8..];
        let mut chunks = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (body, after) = after.split_at(4 + u32::from_be_bytes(*length) as usize);
            let (sum, after) = after.split_first_chunk::<4>().unwrap();
            assert_eq!(crc32fast::hash(body), u32::from_be_bytes(*sum));
            chunks.push(body);
            rest = after;
        }
        assert_eq!(chunks.iter().map(|chunk| &chunk[..4]).collect::<Vec<_>>(), [b"IHDR", b"IDAT", b"IEND"]);
        let number = |from: usize| u32::from_be_bytes(chunks[0][from..from + 4].try_into().unwrap());
        let lines = miniz_oxide::inflate::decompress_to_vec_zlib(&chunks[1][4..]).unwrap();
        (number(4), number(8), chunks[0][13], lines)
    }

    /// The bitmap in a file that [`png`] wrote.
    pub(crate) fn read(file: &[u8]) -> Bitmap {
        let (width, height, kind, data) = parts(file);
        assert_eq!(kind, COLOUR);
        let mut bitmap = Bitmap::new(width, height, Colour::WHITE);
        let length = bitmap.width() as usize * PIXEL;
        let mut above = vec![0; length];
        for (y, line) in (0..).zip(data.chunks_exact(length + 1)) {
            let mut row: Vec<u8> = Vec::new();
            for (position, byte) in line[1..].iter().enumerate() {
                let corner = |bytes: &[u8]| if position < PIXEL { 0 } else { bytes[position - PIXEL] };
                let foretold = FILTERS[line[0] as usize](corner(&row), above[position], corner(&above));
                row.push(byte.wrapping_add(foretold));
            }
            for (x, pixel) in (0..).zip(row.chunks_exact(PIXEL)) {
                bitmap.set(x, y, Colour { red: pixel[0], green: pixel[1], blue: pixel[2] });
            }
            above = row;
        }
        bitmap
    }

    /// The width and the pixels of a file that [`grey_png`] wrote.
    pub(crate) fn read_grey(file: &[u8]) -> (u32, Vec<u8>) {
        let (width, height, kind, lines) = parts(file);
        let rows: Vec<&[u8]> = lines.chunks(width as usize + 1).collect();
        assert_eq!((kind, rows.len()), (GREY, height as usize));
        assert!(rows.iter().all(|row| row[0] == 0));
        (width, rows.into_iter().flat_map(|row| &row[1..]).copied().collect())
    }

    #[test]
    fn grey_pixels_are_read_as_they_were_written() {
        let pixels: Vec<u8> = (0..=251).collect();
        assert_eq!(read_grey(&grey_png(21, &pixels)), (21, pixels));
    }

    #[test]
    fn what_is_written_is_read() {
        let mut bitmap = Bitmap::new(23, 17, Colour::WHITE);
        for y in 0..17 {
            for x in 0..23 {
                let hash = (x * 2_654_435_761_u32).wrapping_add(y * 40_503) >> 7;
                bitmap.set(x, y, if y < 9 { Colour::hex(x * 5 + y * 7) } else { Colour::hex(hash & 0xff_ffff) });
            }
        }
        let file = png(&bitmap);
        assert!(read(&file) == bitmap);
        assert_eq!(file, png(&bitmap));
    }

    #[test]
    fn neighbours_foretell_as_the_standard_says() {
        assert_eq!([paeth(10, 20, 25), paeth(10, 20, 10), paeth(10, 20, 15)], [10, 20, 15]);
        assert_eq!(FILTERS[3](255, 254, 0), 254);
    }

    #[test]
    fn a_white_page_is_small() {
        assert!(png(&Bitmap::new(2000, 1000, Colour::WHITE)).len() < 10_000);
    }
}
