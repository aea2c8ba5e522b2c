//! The one place that knows Parquet, of which others name only columns: columns in, checked columns out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::io::SerReader;
use polars::io::parquet::read::{FileMetadata, ParallelStrategy, ParquetReader};
use polars::io::parquet::write::{BatchedWriter, KeyValueMetadata, ParquetWriter};
use polars::prelude::{
    Column, DataFrame, DataType, Float32Type, IntoSeries, ListBuilderTrait, ListPrimitiveChunkedBuilder, PolarsError,
    PolarsResult, Schema, Series,
};

use crate::contained::contain_panics;
use crate::error::{Result, StoreError};
use crate::names::cut;
use crate::{opened, parquet_bounds};

/// The key of the columns' types in Arrow's own words.
const ARROW_SCHEMA: &str = "ARROW:schema";

/// Key-value pairs in a file's footer.
pub(crate) type Metadata = BTreeMap<String, String>;

/// A file written row group by row group, so that memory does not grow with it.
pub(crate) struct TableWriter {
    path: PathBuf,
    writer: BatchedWriter<BufWriter<File>>,
}

impl TableWriter {
    pub(crate) fn create(path: &Path, columns: &[(String, DataType)], metadata: Metadata) -> Result<Self> {
        let file = File::create(path).map_err(StoreError::io("create", path))?;
        let schema: Schema = columns.iter().map(|(name, kind)| (name.as_str().into(), kind.clone())).collect();
        let writer = ParquetWriter::new(BufWriter::new(file))
            .set_parallel(false)
            .with_key_value_metadata(Some(KeyValueMetadata::from_static(metadata.into_iter().collect())))
            .batched(&schema)
            .map_err(unwritable(path))?;
        Ok(Self { path: path.to_owned(), writer })
    }

    pub(crate) fn write(&mut self, columns: Vec<Column>) -> Result<()> {
        let frame = DataFrame::new_infer_height(columns).map_err(unwritable(&self.path))?;
        self.writer.write_batch(&frame).map_err(unwritable(&self.path))
    }

    /// An error about rows that this file is not to have.
    pub(crate) fn refused(&self, problem: String, advice: &str) -> StoreError {
        StoreError::invalid(&self.path, problem, advice)
    }

    pub(crate) fn finish(self) -> Result<()> {
        self.writer.finish().map_err(unwritable(&self.path))?;
        // What no reader would take is better not left behind.
        let (file, length) = opened::open(&self.path)?;
        parquet_bounds::check(&file, length).map_err(|problem| {
            let problem = format!("expected a table that is read again, found that {problem}");
            self.refused(problem, "write fewer rows; nearly the same values everywhere pack into too small a file")
        })
    }
}

/// Writes a whole table at once.
pub(crate) fn write_table(path: &Path, columns: Vec<Column>, metadata: Metadata) -> Result<()> {
    let schema: Vec<(String, DataType)> =
        columns.iter().map(|column| (column.name().to_string(), column.dtype().clone())).collect();
    let mut writer = TableWriter::create(path, &schema, metadata)?;
    writer.write(columns)?;
    writer.finish()
}

/// A column of lists of numbers.
pub(crate) fn list_column<'a>(name: &str, rows: impl ExactSizeIterator<Item = &'a [f32]> + Clone) -> Column {
    let (count, values) = (rows.len(), rows.clone().map(<[f32]>::len).sum());
    let mut builder = ListPrimitiveChunkedBuilder::<Float32Type>::new(name.into(), count, values, DataType::Float32);
    rows.for_each(|row| builder.append_slice(row));
    Column::from(builder.finish().into_series())
}

/// Checks that what is to be written to `path` is read again: images of pixels that are finite.
pub(crate) fn check_images<'a>(path: &Path, mut images: impl Iterator<Item = &'a [f32]>) -> Result<()> {
    match images.all(|image| image.iter().all(|value| value.is_finite())) {
        true => Ok(()),
        false => Err(StoreError::invalid(
            path,
            "expected images of finite values, found others: the model has diverged or its weights are damaged",
            "train it again with a lower --learning-rate",
        )),
    }
}

fn unwritable(path: &Path) -> impl FnOnce(PolarsError) -> StoreError {
    let path = path.to_owned();
    move |error| StoreError::Invalid {
        path,
        problem: format!("the table cannot be written ({error})"),
        advice: "look for a full disk".to_owned(),
    }
}

/// A table's file, whose rows are read when they are asked for.
pub(crate) struct TableFile {
    path: PathBuf,
    kind: &'static str,
    file: File,
    footer: FileMetadata,
}

impl TableFile {
    /// Opens the file at `path`, which should be a `kind`.
    pub(crate) fn open(path: &Path, kind: &'static str) -> Result<Self> {
        let (file, length) = opened::open(path)?;
        parquet_bounds::check(&file, length).map_err(|problem| unreadable_file(path, kind, &problem))?;
        let read = |file| -> PolarsResult<FileMetadata> {
            let mut footer = Arc::unwrap_or_clone(Arc::clone(ParquetReader::new(file).get_metadata()?));
            // Arrow's own note of the columns nests as deep as it likes. Ours can be told from Parquet's.
            footer.key_value_metadata.iter_mut().for_each(|pairs| pairs.retain(|pair| pair.key != ARROW_SCHEMA));
            Ok(footer)
        };
        let copy = file.try_clone().map_err(StoreError::io("read", path))?;
        let footer = contain_panics(|| read(copy).map_err(|error| error.to_string()))
            .flatten()
            .map_err(|problem| unreadable_file(path, kind, &problem))?;
        Ok(Self { path: path.to_owned(), kind, file, footer })
    }

    /// Rows in the file, as its footer says.
    pub(crate) fn height(&self) -> usize {
        self.footer.num_rows
    }

    /// The file's row groups, several small ones together and large ones in parts: of about `rows` rows each.
    pub(crate) fn pieces(&self, rows: usize) -> impl Iterator<Item = Range<usize>> {
        let mut together: Vec<Range<usize>> = Vec::new();
        let mut first = 0;
        for group in &self.footer.row_groups {
            let end = (first + group.num_rows()).min(self.height());
            match together.last_mut() {
                Some(last) if end - last.start <= rows => last.end = end,
                _ => together.push(first..end),
            }
            first = end;
        }
        let parts =
            move |whole: Range<usize>| whole.clone().step_by(rows).map(move |start| start..whole.end.min(start + rows));
        together.into_iter().flat_map(parts)
    }

    /// The footer with no other row groups than those that have some of `rows`, and the first row of these: polars begins to
    /// decode every row group that it is shown.
    fn groups_of(&self, rows: &Range<usize>) -> (FileMetadata, usize) {
        let groups = &self.footer.row_groups;
        let ends = groups.iter().scan(0, |end, group| {
            *end += group.num_rows();
            Some(*end)
        });
        let ends: Vec<usize> = ends.collect();
        let begin = ends.partition_point(|end| *end <= rows.start);
        let first_row = begin.checked_sub(1).map_or(0, |before| ends[before]);
        let end = groups.len().min(1 + ends.partition_point(|end| *end < rows.end));
        let row_groups = groups.get(begin..end).unwrap_or_default().to_vec();
        let footer = FileMetadata {
            version: self.footer.version,
            num_rows: row_groups.iter().map(|group| group.num_rows()).sum(),
            max_row_group_height: self.footer.max_row_group_height,
            created_by: None,
            row_groups,
            key_value_metadata: None,
            schema_descr: self.footer.schema_descr.clone(),
            column_orders: self.footer.column_orders.clone(),
            footer_buf: self.footer.footer_buf.clone(),
        };
        (footer, first_row)
    }

    /// Reads some of the rows.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Result<Table> {
        let (groups, first_row) = self.groups_of(&rows);
        let read = || -> PolarsResult<DataFrame> {
            let file = self.file.try_clone()?;
            let mut reader = ParquetReader::new(file).read_parallel(ParallelStrategy::None).set_rechunk(true);
            reader.set_metadata(Arc::new(groups));
            reader.with_slice(Some((rows.start - first_row, rows.len()))).finish()
        };
        let frame = contain_panics(|| read().map_err(|error| error.to_string()))
            .flatten()
            .map_err(|problem| unreadable_file(&self.path, self.kind, &problem))?;
        let pairs = self.footer.key_value_metadata.iter().flatten();
        let metadata = pairs.filter_map(|pair| Some((pair.key.clone(), pair.value.clone()?))).collect();
        let table = Table { path: self.path.clone(), kind: self.kind, first_row: rows.start, frame, metadata };
        let lengths = table.frame.columns().iter().map(Column::len);
        match lengths.chain([table.height()]).find(|length| *length != rows.len()) {
            None => Ok(table),
            Some(found) => Err(table.invalid(format!(
                "expected {} rows from row {} on, in every column, found {found}",
                rows.len(),
                rows.start
            ))),
        }
    }
}

fn unreadable_file(path: &Path, kind: &str, error: &str) -> StoreError {
    StoreError::invalid(
        path,
        format!("expected {kind} in Parquet, found a file that cannot be read so ({error})"),
        "rerun the stage that wrote it with --force",
    )
}

/// Rows of a table as they were read, not yet trusted.
pub(crate) struct Table {
    path: PathBuf,
    kind: &'static str,
    first_row: usize,
    frame: DataFrame,
    pub(crate) metadata: Metadata,
}

impl Table {
    /// Reads the file at `path`, which should be a `kind`.
    pub(crate) fn read(path: &Path, kind: &'static str) -> Result<Self> {
        let file = TableFile::open(path, kind)?;
        file.rows(0..file.height())
    }

    pub(crate) fn height(&self) -> usize {
        self.frame.height()
    }

    pub(crate) fn column_names(&self) -> Vec<&str> {
        self.frame.columns().iter().map(|column| column.name().as_str()).collect()
    }

    /// The names of its columns, the first of them where there are many.
    pub(crate) fn columns_in_words(&self) -> String {
        const SHOWN: usize = 12;
        let names = self.column_names();
        match names.len() {
            0 => "none".to_owned(),
            count if count <= SHOWN => names.join(", "),
            count => format!("{}, … ({count} columns)", names[..SHOWN].join(", ")),
        }
    }

    /// An error about this file.
    pub(crate) fn invalid(&self, problem: impl Into<String>) -> StoreError {
        StoreError::invalid(&self.path, problem, "rerun the stage that wrote it with --force")
    }

    /// A value of the file's metadata.
    pub(crate) fn header(&self, key: &str) -> Result<&str> {
        self.metadata.get(key).map(String::as_str).ok_or_else(|| {
            self.invalid(format!("expected the key `{key}` in the metadata of {}, found none", self.kind))
        })
    }

    /// A number in the file's metadata.
    pub(crate) fn header_number(&self, key: &str) -> Result<u32> {
        let text = self.header(key)?;
        text.parse().map_err(|_| self.invalid(format!("expected a number as {key}, found {}", cut(text))))
    }

    /// A number from 1 up in the file's metadata: a length, or a count.
    pub(crate) fn header_count(&self, key: &str) -> Result<u32> {
        match self.header_number(key)? {
            0 => Err(self.invalid(format!("expected a number from 1 up as {key}, found 0"))),
            count => Ok(count),
        }
    }

    /// A column with a value in every row.
    fn column(&self, name: &str, kind: &DataType) -> Result<&Column> {
        let column = self.column_with_gaps(name, kind)?;
        match column.null_count() {
            0 => Ok(column),
            nulls => {
                Err(self.invalid(format!("expected a value in every row of column `{name}`, found {nulls} without")))
            }
        }
    }

    fn column_with_gaps(&self, name: &str, kind: &DataType) -> Result<&Column> {
        let Ok(column) = self.frame.column(name) else {
            return Err(self.invalid(format!(
                "expected a column `{name}` in {}, found {}",
                self.kind,
                self.columns_in_words()
            )));
        };
        if column.dtype() != kind {
            return Err(self.invalid(format!("expected column `{name}` of type {kind}, found {}", column.dtype())));
        }
        Ok(column)
    }

    /// What the column's type, already checked, makes impossible.
    fn unreadable(&self, name: &str) -> impl FnOnce(PolarsError) -> StoreError {
        let error = self.invalid(format!("column `{name}` cannot be read"));
        move |_| error
    }

    pub(crate) fn u8(&self, name: &str) -> Result<Vec<u8>> {
        let column = self.column(name, &DataType::UInt8)?.u8().map_err(self.unreadable(name))?;
        Ok(column.into_no_null_iter().collect())
    }

    pub(crate) fn u32(&self, name: &str) -> Result<Vec<u32>> {
        let column = self.column(name, &DataType::UInt32)?.u32().map_err(self.unreadable(name))?;
        Ok(column.into_no_null_iter().collect())
    }

    /// Finite values.
    pub(crate) fn f32(&self, name: &str) -> Result<Vec<f32>> {
        let column = self.column(name, &DataType::Float32)?.f32().map_err(self.unreadable(name))?;
        let values: Vec<f32> = column.into_no_null_iter().collect();
        self.check_finite(name, values.iter().position(|value| !value.is_finite()))?;
        Ok(values)
    }

    /// Finite values.
    pub(crate) fn f64(&self, name: &str) -> Result<Vec<f64>> {
        let column = self.column(name, &DataType::Float64)?.f64().map_err(self.unreadable(name))?;
        let values: Vec<f64> = column.into_no_null_iter().collect();
        self.check_finite(name, values.iter().position(|value| !value.is_finite()))?;
        Ok(values)
    }

    /// Finite values, where there are any.
    pub(crate) fn optional_f64(&self, name: &str) -> Result<Vec<Option<f64>>> {
        let column = self.column_with_gaps(name, &DataType::Float64)?.f64().map_err(self.unreadable(name))?;
        let values: Vec<Option<f64>> = column.iter().collect();
        self.check_finite(name, values.iter().position(|value| value.is_some_and(|value| !value.is_finite())))?;
        Ok(values)
    }

    fn check_finite(&self, name: &str, offender: Option<usize>) -> Result<()> {
        match offender {
            Some(row) => Err(self.invalid(format!(
                "expected finite values in column `{name}`, found another in row {}",
                self.first_row + row
            ))),
            None => Ok(()),
        }
    }

    /// Texts of `most` bytes at most.
    pub(crate) fn strings(&self, name: &str, most: usize) -> Result<Vec<String>> {
        let column = self.column(name, &DataType::String)?.str().map_err(self.unreadable(name))?;
        // Rows may share a text in the file. Each gets its own here.
        if let Some(row) = column.iter().flatten().position(|text| text.len() > most) {
            return Err(self.invalid(format!(
                "expected at most {most} bytes of text in column `{name}`, found more in row {}",
                self.first_row + row
            )));
        }
        Ok(column.iter().flatten().map(str::to_owned).collect())
    }

    /// One list of `length` finite values for each row.
    pub(crate) fn f32_lists(&self, name: &str, length: usize) -> Result<Vec<Vec<f32>>> {
        let kind = DataType::List(Box::new(DataType::Float32));
        let column = self.column(name, &kind)?.list().map_err(self.unreadable(name))?;
        let list = |(row, series): (usize, Series)| {
            let values = series.f32().map_err(self.unreadable(name))?;
            let list: Vec<f32> = values.iter().map(|value| value.unwrap_or(f32::NAN)).collect();
            let refuse = |found: String| {
                Err(self.invalid(format!(
                    "expected {length} finite values in each row of column `{name}`, found {found} in row {row}"
                )))
            };
            match list.iter().find(|value| !value.is_finite()) {
                _ if list.len() != length => refuse(list.len().to_string()),
                Some(_) => refuse("one that is not finite".to_owned()),
                None => Ok(list),
            }
        };
        column.series_iter().flatten().enumerate().map(list).collect()
    }
}
