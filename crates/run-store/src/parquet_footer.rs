//! What the footer of a Parquet file says, and whether it can be.

use crate::parquet_grammar::{COLUMN, COLUMN_CHUNK, FILE, KEY_VALUE, ROW_GROUP, SCHEMA_ELEMENT};
use crate::thrift::{Compact, Parsed};

/// What a Parquet file begins and ends with.
pub(crate) const MAGIC: [u8; 4] = *b"PAR1";
/// A latents file of 512 dimensions with log variances has 1,026.
const COLUMN_LIMIT: usize = 8192;
/// What writers say of a table besides, each a name and a text: ours say ten things at most, others some three.
const REMARK_LIMIT: u64 = 256;
const REMARK_BYTES: usize = 1 << 20;
/// The table, a list, what is repeated in it, its values.
const SCHEMA_DEPTH: usize = 3;

/// What the footer says.
#[derive(Default)]
pub(crate) struct TableShape {
    pub columns: Vec<ColumnShape>,
    pub rows: u64,
    pub groups: Vec<GroupShape>,
}

/// A column.
pub(crate) struct ColumnShape {
    /// Bytes that a value takes in memory.
    pub width: u64,
    /// Whether its values lie in lists.
    pub is_nested: bool,
}

/// A row group.
#[derive(Default)]
pub(crate) struct GroupShape {
    pub rows: u64,
    /// One a column.
    pub chunks: Vec<ChunkShape>,
}

/// A column of a row group.
pub(crate) struct ChunkShape {
    /// The first byte of its first page.
    pub start: u64,
    pub length: u64,
    pub values: u64,
}

impl TableShape {
    pub(crate) fn parse(footer: &[u8]) -> Parsed<Self> {
        let mut table = Self::default();
        Compact::new(footer).fields(FILE, |footer, field| {
            match field {
                2 => {
                    let mut schema = Schema::default();
                    footer.structs(|element| schema.element(element))?;
                    table.columns = schema.columns()?;
                }
                3 => table.rows = count(footer.i64()?)?,
                4 => footer.structs(|group| {
                    table.groups.push(group_shape(group, table.columns.len())?);
                    Ok(())
                })?,
                5 => remarks(footer)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        if table.columns.is_empty() { Err("it has no columns") } else { Ok(table) }
    }

    /// Checks that the parts belong together and lie before `end`, where the footer begins.
    pub(crate) fn check(&self, end: u64) -> Result<(), String> {
        let sum = self.groups.iter().try_fold(0_u64, |sum, group| sum.checked_add(group.rows));
        if sum != Some(self.rows) {
            return Err(format!("its row groups have other than the {} rows of its footer", self.rows));
        }
        let mut bytes = 0_u64;
        for group in &self.groups {
            for chunk in &group.chunks {
                let chunk_end = chunk.start.checked_add(chunk.length);
                if chunk.start < MAGIC.len() as u64 || chunk_end.is_none_or(|chunk_end| chunk_end > end) {
                    return Err(format!("{} bytes of a column at byte {} are not there", chunk.length, chunk.start));
                }
                bytes = bytes.saturating_add(chunk.length);
            }
        }
        if bytes > end { Err("columns share bytes".to_owned()) } else { Ok(()) }
    }
}

/// The columns, as the footer's tree of them tells, in its order.
#[derive(Default)]
struct Schema {
    columns: Vec<ColumnShape>,
    /// Of each group around this place, the members that are still to come.
    open: Vec<i64>,
    begun: bool,
}

impl Schema {
    fn element(&mut self, element: &mut Compact<'_>) -> Parsed<()> {
        let (mut values, mut children, mut named) = (None, 0, false);
        element.fields(SCHEMA_ELEMENT, |element, field| {
            match field {
                1 => values = Some(element.i32()?),
                4 => named = !element.text()?.is_empty() || !self.begun,
                5 => children = element.i32()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        if !self.begun {
            self.begun = true;
            self.open.push(children);
            return if children < 0 { Err(BAD_TREE) } else { Ok(()) };
        }
        while self.open.pop_if(|left| *left == 0).is_some() {}
        *self.open.last_mut().ok_or(BAD_TREE)? -= 1;
        match children {
            0 => {
                let width = match values {
                    Some(0) => 1,
                    Some(1 | 4) => 4,
                    Some(2 | 5) => 8,
                    // A view, and the text that is made of it.
                    Some(6) => 40,
                    _ => return Err("a column is neither of numbers nor of text"),
                };
                self.columns.push(ColumnShape { width, is_nested: self.open.len() > 1 });
            }
            1.. if self.open.len() < SCHEMA_DEPTH => self.open.push(children),
            1.. => return Err("its columns nest too deep"),
            _ => return Err(BAD_TREE),
        }
        if !named || self.columns.len() > COLUMN_LIMIT {
            return Err("it has columns without names, or too many");
        }
        Ok(())
    }

    fn columns(self) -> Parsed<Vec<ColumnShape>> {
        if self.open.iter().all(|left| *left == 0) { Ok(self.columns) } else { Err(BAD_TREE) }
    }
}

const BAD_TREE: &str = "its columns are no tree";

/// Checks that there are few of them: they are taken up anew with each piece of the table.
fn remarks(footer: &mut Compact<'_>) -> Parsed<()> {
    let (mut count, mut bytes) = (0, 0);
    footer.structs(|remark| {
        count += 1;
        let length = remark.rest().len();
        remark.fields(KEY_VALUE, |_, _| Ok(false))?;
        bytes += length - remark.rest().len();
        if count > REMARK_LIMIT || bytes > REMARK_BYTES { Err("it says too much besides") } else { Ok(()) }
    })
}

/// What a row group of so many columns says.
fn group_shape(group: &mut Compact<'_>, columns: usize) -> Parsed<GroupShape> {
    let mut shape = GroupShape::default();
    group.fields(ROW_GROUP, |group, field| {
        match field {
            1 => group.structs(|chunk| {
                shape.chunks.push(chunk_shape(chunk)?);
                if shape.chunks.len() > columns { Err(OTHER_COLUMNS) } else { Ok(()) }
            })?,
            3 => shape.rows = count(group.i64()?)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if shape.chunks.len() == columns { Ok(shape) } else { Err(OTHER_COLUMNS) }
}

const OTHER_COLUMNS: &str = "a row group has other columns than the table, or comes before these";

fn chunk_shape(chunk: &mut Compact<'_>) -> Parsed<ChunkShape> {
    let (mut values, mut length, mut data, mut dictionary) = (None, None, None, None);
    chunk.fields(COLUMN_CHUNK, |chunk, field| {
        if field != 3 {
            return Ok(false);
        }
        chunk.fields(COLUMN, |chunk, field| {
            match field {
                5 => values = Some(count(chunk.i64()?)?),
                7 => length = Some(count(chunk.i64()?)?),
                9 => data = Some(count(chunk.i64()?)?),
                11 => dictionary = Some(count(chunk.i64()?)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(true)
    })?;
    let (Some(values), Some(length), Some(data)) = (values, length, data) else {
        return Err("a column does not say where its values are");
    };
    Ok(ChunkShape { start: dictionary.unwrap_or(data), length, values })
}

pub(crate) fn count(number: i64) -> Parsed<u64> {
    u64::try_from(number).map_err(|_| "a size is negative")
}
