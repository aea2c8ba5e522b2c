//! What a Parquet file promises, held against the file before polars believes it: every list and chunk must lie in the file,
//! chunks must not share bytes, what all pages unpack to must stay in proportion to the file, and no page may say anew how many
//! values it has, as deltas do.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::parquet_footer::{ChunkShape, MAGIC, TableShape, count};
use crate::parquet_grammar::{DATA_PAGE, DATA_PAGE_2, DICTIONARY_PAGE, PAGE};
use crate::thrift::{Compact, Parsed};

/// The footer's length and the magic number.
const TAIL: u64 = 8;
/// Bytes of a list in memory, besides its values.
const LIST_WIDTH: u64 = 32;
/// What a page may unpack to, and its values. Polars takes it up anew for each piece of a row group that is read; writers make pages
/// of about a mebibyte.
const PAGE_LIMIT: u64 = 16 << 20;
const PAGE_VALUES_LIMIT: u64 = 1 << 22;
/// A column of a row group has pages of so many values, or few. Polars walks all of them anew for each piece of the group that is read.
const VALUES_PER_PAGE: u64 = 4096;
const FEW_PAGES: u64 = 64;
/// A page header holds a dozen numbers, and the least and greatest value of its page.
const HEADER_LIMIT: usize = 1 << 16;

/// The footer of a file of `length` bytes may have this many. Polars takes some fifteen times as much memory for it.
fn footer_limit(length: u64) -> u64 {
    (2 << 20) + length / 8
}

/// The values of a file of `length` bytes may take this many once they are unpacked. Tables of ours unpack to less than three times
/// their file, but small ones may be all the same value.
fn unpacked_limit(length: u64) -> u64 {
    (16 << 20) + length.saturating_mul(8)
}

/// Checks what `file`, of `length` bytes, promises.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(file: &File, length: u64) -> Result<(), String> {
    let footer = read_footer(file, length)?;
    let end = length - TAIL - footer.len() as u64;
    let table = TableShape::parse(&footer).map_err(|problem| format!("its footer is damaged: {problem}"))?;
    table.check(end)?;
    let mut unpacked = Unpacked { limit: unpacked_limit(length), sum: 0 };
    let mut headers = PageHeaders { file, window: Vec::new(), start: 0, end };
    for group in &table.groups {
        for (column, chunk) in table.columns.iter().zip(&group.chunks) {
            unpacked.add(column.width.saturating_mul(chunk.values.max(group.rows)))?;
            unpacked.add(if column.is_nested { group.rows.saturating_mul(LIST_WIDTH) } else { 0 })?;
            if !column.is_nested && chunk.values != group.rows {
                return Err(format!("a column has {} values in a row group of {} rows", chunk.values, group.rows));
            }
            check_pages(chunk, &mut headers, &mut unpacked)?;
        }
    }
    Ok(())
}

fn read_footer(mut file: &File, length: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    let mut tail = [0; TAIL as usize];
    if length < MAGIC.len() as u64 + TAIL {
        return Err(format!("it has only {length} bytes"));
    }
    file.seek(SeekFrom::Start(length - TAIL)).and_then(|_| file.read_exact(&mut tail)).map_err(unreadable)?;
    let [a, b, c, d, magic @ ..] = tail;
    if magic != MAGIC {
        return Err("it does not end with PAR1".to_owned());
    }
    let footer_length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let room = length - TAIL - MAGIC.len() as u64;
    if footer_length > room.min(footer_limit(length)) {
        return Err(format!("its footer of {footer_length} bytes is too long for a file of {length}"));
    }
    let mut footer = vec![0; footer_length as usize];
    let start = length - TAIL - footer_length;
    file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut footer)).map_err(unreadable)?;
    Ok(footer)
}

/// What the pages promise together.
struct Unpacked {
    limit: u64,
    sum: u64,
}

impl Unpacked {
    fn add(&mut self, bytes: u64) -> Result<(), String> {
        self.sum = self.sum.saturating_add(bytes);
        if self.sum > self.limit {
            return Err(format!(
                "it promises more values than the {} bytes that a file of its size may have",
                self.limit
            ));
        }
        Ok(())
    }
}

/// Walks the pages of `chunk` until all its values are there.
fn check_pages(chunk: &ChunkShape, headers: &mut PageHeaders<'_>, unpacked: &mut Unpacked) -> Result<(), String> {
    let (mut at, end) = (chunk.start, chunk.start + chunk.length);
    let (mut values, mut pages) = (0_u64, 0_u64);
    while values < chunk.values {
        pages += 1;
        if pages > FEW_PAGES + chunk.values / VALUES_PER_PAGE {
            return Err(format!("a column at byte {} has too many pages for its {} values", chunk.start, chunk.values));
        }
        let (page, length) = headers.read(at)?;
        at = at.saturating_add(length).saturating_add(page.packed);
        if at > end {
            return Err(format!("a column at byte {} ends before its {} values", chunk.start, chunk.values));
        }
        // An entry of a dictionary has at least a byte.
        if page.entries > page.unpacked {
            return Err(format!("a dictionary of {} bytes promises {} entries", page.unpacked, page.entries));
        }
        if page.values == 0 && !page.is_dictionary {
            return Err(format!("a column at byte {} has a page without values", chunk.start));
        }
        values = values.saturating_add(page.values);
        unpacked.add(page.unpacked)?;
        if page.unpacked > PAGE_LIMIT || page.values > PAGE_VALUES_LIMIT {
            return Err(format!(
                "a page promises {} values in {} bytes, and {PAGE_VALUES_LIMIT} in {PAGE_LIMIT} are the most that are read",
                page.values, page.unpacked
            ));
        }
    }
    if values == chunk.values {
        return Ok(());
    }
    Err(format!("the pages of a column have {values} values, and its footer says {}", chunk.values))
}

/// A page's header.
#[derive(Default)]
struct PageShape {
    packed: u64,
    unpacked: u64,
    values: u64,
    is_dictionary: bool,
    /// Of a dictionary.
    entries: u64,
}

/// How the values of a page may be written, and its levels: plainly, or as runs of numbers or of places in a dictionary. Others say
/// once more how many values there are, or how long each text is, and polars believes that.
const ENCODINGS: [i64; 4] = [0, 2, 3, 8];
/// Of levels, besides: runs of bits as they were once written.
const BIT_PACKED: i64 = 4;

impl PageShape {
    fn parse(header: &mut Compact<'_>) -> Parsed<Self> {
        let (mut page, mut of_kind) = (Self::default(), -1);
        header.fields(PAGE, |header, field| {
            let of_page = match field {
                1 => {
                    of_kind = header.i32()?;
                    page.is_dictionary = of_kind == 2;
                    return Ok(true);
                }
                2 => {
                    page.unpacked = count(header.i32()?)?;
                    return Ok(true);
                }
                3 => {
                    page.packed = count(header.i32()?)?;
                    return Ok(true);
                }
                // Data of the first and second version, and dictionaries: polars takes the one that the kind names.
                5 => DATA_PAGE,
                7 => DICTIONARY_PAGE,
                8 => DATA_PAGE_2,
                _ => return Ok(false),
            };
            header.fields(of_page, |header, inner| {
                match (field, inner) {
                    (_, 1) => {
                        let number = count(header.i32()?)?;
                        match (field, of_kind) {
                            (5, 0) | (8, 3) => page.values = number,
                            (7, 2) => page.entries = number,
                            _ => return Err("a page is of two kinds"),
                        }
                    }
                    (5 | 7, 2) | (8, 4) => check_encoding(header.i32()?, &ENCODINGS)?,
                    (5, 3 | 4) => check_encoding(header.i32()?, &[ENCODINGS[2], BIT_PACKED])?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
            Ok(true)
        })?;
        Ok(page)
    }
}

fn check_encoding(encoding: i64, known: &[i64]) -> Parsed<()> {
    if known.contains(&encoding) {
        Ok(())
    } else {
        Err("its values are written in another way than plainly or as runs")
    }
}

/// Reads page headers from a window of the file.
struct PageHeaders<'a> {
    file: &'a File,
    window: Vec<u8>,
    /// Where in the file the window begins.
    start: u64,
    /// Where the pages end.
    end: u64,
}

impl PageHeaders<'_> {
    /// The header at byte `at`, and its length.
    fn read(&mut self, at: u64) -> Result<(PageShape, u64), String> {
        let in_window =
            at.checked_sub(self.start).and_then(|skipped| self.window.get(usize::try_from(skipped).ok()?..));
        if let Some(Ok(found)) = in_window.map(parse_page) {
            return Ok(found);
        }
        let length = self.end.saturating_sub(at).min(HEADER_LIMIT as u64);
        self.window.resize(length as usize, 0);
        self.start = at;
        let mut file = self.file;
        file.seek(SeekFrom::Start(at))
            .and_then(|_| file.read_exact(&mut self.window))
            .map_err(|error| format!("it cannot be read: {error}"))?;
        parse_page(&self.window).map_err(|problem| format!("the page at byte {at} is damaged: {problem}"))
    }
}

fn parse_page(bytes: &[u8]) -> Parsed<(PageShape, u64)> {
    let mut header = Compact::new(bytes);
    let page = PageShape::parse(&mut header)?;
    Ok((page, (bytes.len() - header.rest().len()) as u64))
}

#[cfg(test)]
#[path = "parquet_bounds_tests.rs"]
mod tests;
