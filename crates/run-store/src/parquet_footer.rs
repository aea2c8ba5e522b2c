//! What the footer of a Parquet file says, and whether it can be.
//!
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift> has the numbers of the fields.

use crate::thrift::{Compact, Parsed, STRUCT};

/// What a Parquet file begins and ends with.
pub(crate) const MAGIC: [u8; 4] = *b"PAR1";
/// A latents file of 512 dimensions with log variances has 1,026.
const COLUMN_LIMIT: usize = 8192;
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
#[derive(Default)]
pub(crate) struct ChunkShape {
    /// The first byte of its first page.
    pub start: u64,
    pub length: u64,
    pub values: u64,
}

impl TableShape {
    pub(crate) fn parse(footer: &[u8]) -> Parsed<Self> {
        let mut table = Self::default();
        let mut schema = Schema::default();
        Compact::new(footer).fields(|footer, field, kind| {
            match field {
                2 => footer.structs(kind, |element| schema.element(element))?,
                3 => table.rows = count(footer.number(kind)?)?,
                4 => footer.structs(kind, |group| {
                    table.groups.push(group_shape(group)?);
                    Ok(())
                })?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        table.columns = schema.columns()?;
        Ok(table)
    }

    /// Checks that the parts belong together and lie before `end`, where the footer begins.
    pub(crate) fn check(&self, end: u64) -> Result<(), String> {
        let sum = self.groups.iter().try_fold(0_u64, |sum, group| sum.checked_add(group.rows));
        if sum != Some(self.rows) {
            return Err(format!("its row groups have other than the {} rows of its footer", self.rows));
        }
        let mut bytes = 0_u64;
        for group in &self.groups {
            if group.chunks.len() != self.columns.len() {
                return Err(format!(
                    "a row group has {} of the {} columns of its footer",
                    group.chunks.len(),
                    self.columns.len()
                ));
            }
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
        element.fields(|element, field, kind| {
            match field {
                1 => values = Some(element.number(kind)?),
                4 => named = !element.binary(kind)?.is_empty() || !self.begun,
                5 => children = element.number(kind)?,
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

fn group_shape(group: &mut Compact<'_>) -> Parsed<GroupShape> {
    let mut shape = GroupShape::default();
    group.fields(|group, field, kind| {
        match field {
            1 => group.structs(kind, |chunk| {
                shape.chunks.push(chunk_shape(chunk)?);
                Ok(())
            })?,
            3 => shape.rows = count(group.number(kind)?)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(shape)
}

fn chunk_shape(chunk: &mut Compact<'_>) -> Parsed<ChunkShape> {
    let (mut shape, mut data, mut dictionary) = (ChunkShape::default(), 0, None);
    chunk.fields(|chunk, field, kind| {
        // Anything but a struct is no chunk that polars reads either.
        if field != 3 || kind != STRUCT {
            return Ok(false);
        }
        chunk.fields(|chunk, field, kind| {
            match field {
                5 => shape.values = count(chunk.number(kind)?)?,
                7 => shape.length = count(chunk.number(kind)?)?,
                9 => data = count(chunk.number(kind)?)?,
                11 => dictionary = Some(count(chunk.number(kind)?)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(true)
    })?;
    shape.start = dictionary.unwrap_or(data);
    Ok(shape)
}

pub(crate) fn count(number: i64) -> Parsed<u64> {
    u64::try_from(number).map_err(|_| "a size is negative")
}
