//! Parquet files put together by hand, each with one thing wrong.

#![allow(clippy::unwrap_used)]

use std::fs::{self, File};

use polars::prelude::Column;

use super::check;
use crate::latents::Latents;
use crate::table::{Metadata, Table, write_table};

/// A value in Thrift's compact protocol.
#[derive(Clone)]
enum Value {
    Number(i64),
    Text(&'static str),
    Struct(Fields),
    List(Vec<Fields>),
    /// A list that has fewer elements than it says.
    Promise(u64),
}

/// A struct: fields with their numbers, in order.
type Fields = Vec<(u8, Value)>;

use Value::{List, Number, Promise, Struct, Text};

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value > 127 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn encode(fields: &Fields, bytes: &mut Vec<u8>) {
    let mut last = 0;
    for (number, value) in fields {
        let kind = match value {
            Number(_) => 6,
            Text(_) => 8,
            List(_) | Promise(_) => 9,
            Struct(_) => 12,
        };
        bytes.push((number - last) << 4 | kind);
        last = *number;
        match value {
            Number(number) => varint((number << 1 ^ number >> 63) as u64, bytes),
            Text(text) => {
                varint(text.len() as u64, bytes);
                bytes.extend(text.bytes());
            }
            Struct(fields) => encode(fields, bytes),
            List(elements) => {
                bytes.push(0xfc);
                varint(elements.len() as u64, bytes);
                elements.iter().for_each(|element| encode(element, bytes));
            }
            Promise(length) => {
                bytes.push(0xfc);
                varint(*length, bytes);
            }
        }
    }
    bytes.push(0);
}

/// A table of one column `index` with the values 7 and 8, unless something of it is changed.
#[derive(Clone)]
struct Parquet {
    schema: Vec<Fields>,
    promised_schema: Option<u64>,
    rows: i64,
    group_rows: i64,
    groups: usize,
    column_count: usize,
    chunk_start: i64,
    chunk_length: Option<i64>,
    chunk_values: i64,
    dictionary: Option<(i64, i64)>,
    page_kind: i64,
    page_encoding: i64,
    level_encoding: i64,
    page_unpacked: i64,
    page_packed: Option<i64>,
    page_values: i64,
    extra: Fields,
    footer_length: Option<u32>,
    padding: usize,
}

impl Default for Parquet {
    fn default() -> Self {
        Self {
            schema: vec![
                vec![(4, Text("table")), (5, Number(1))],
                vec![(1, Number(1)), (3, Number(0)), (4, Text("index")), (6, Number(13))],
            ],
            promised_schema: None,
            rows: 2,
            group_rows: 2,
            groups: 1,
            column_count: 1,
            chunk_start: 4,
            chunk_length: None,
            chunk_values: 2,
            dictionary: None,
            page_kind: 0,
            page_encoding: 0,
            level_encoding: 3,
            page_unpacked: 8,
            page_packed: None,
            page_values: 2,
            extra: Vec::new(),
            footer_length: None,
            padding: 0,
        }
    }
}

impl Parquet {
    fn bytes(&self) -> Vec<u8> {
        let data: Vec<u8> = [7_u32, 8].iter().flat_map(|value| value.to_le_bytes()).collect();
        let mut bytes = b"PAR1".to_vec();
        if let Some((unpacked, entries)) = self.dictionary {
            let entries = Struct(vec![(1, Number(entries)), (2, Number(0))]);
            encode(&vec![(1, Number(2)), (2, Number(unpacked)), (3, Number(0)), (7, entries)], &mut bytes);
        }
        let levels = Number(self.level_encoding);
        let encoding = Number(self.page_encoding);
        let page = vec![(1, Number(self.page_values)), (2, encoding), (3, levels.clone()), (4, levels)];
        let packed = self.page_packed.unwrap_or(data.len() as i64);
        let kind = Number(self.page_kind);
        encode(&vec![(1, kind), (2, Number(self.page_unpacked)), (3, Number(packed)), (5, Struct(page))], &mut bytes);
        bytes.extend(&data);
        let length = self.chunk_length.unwrap_or(bytes.len() as i64 - 4);
        bytes.resize(bytes.len() + self.padding, 0);
        let column = vec![
            (1, Number(1)),
            (4, Number(0)),
            (5, Number(self.chunk_values)),
            (6, Number(length)),
            (7, Number(length)),
            (9, Number(self.chunk_start)),
        ];
        let chunk = vec![(2, Number(0)), (3, Struct(column))];
        let group = vec![(1, List(vec![chunk; self.column_count])), (2, Number(0)), (3, Number(self.group_rows))];
        let schema = self.promised_schema.map_or_else(|| List(self.schema.clone()), Promise);
        let footer = vec![(1, Number(1)), (2, schema), (3, Number(self.rows)), (4, List(vec![group; self.groups]))];
        let footer = [footer, self.extra.clone()].concat();
        let before = bytes.len();
        encode(&footer, &mut bytes);
        let footer_length = self.footer_length.unwrap_or((bytes.len() - before) as u32);
        bytes.extend(footer_length.to_le_bytes());
        bytes.extend(b"PAR1");
        bytes
    }
}

fn problem(bytes: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    fs::write(&path, bytes).unwrap();
    let found = check(&File::open(&path).unwrap(), bytes.len() as u64).err();
    // What is refused is refused by every reader, and what is not refused makes none of them panic.
    let read = Table::read(&path, "a table");
    assert!(found.is_none() || read.is_err());
    assert!(Latents::read(&path).is_err());
    found
}

/// A group of the schema with one member, or a column of the type `kind`.
fn group(members: i64) -> Fields {
    vec![(3, Number(0)), (4, Text("group")), (5, Number(members))]
}

fn column(kind: i64) -> Fields {
    vec![(1, Number(kind)), (3, Number(0)), (4, Text("index"))]
}

#[test]
fn a_table_made_by_hand_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    fs::write(&path, Parquet::default().bytes()).unwrap();
    assert_eq!(Table::read(&path, "a table").unwrap().u32("index").unwrap(), [7, 8]);
}

#[test]
fn every_broken_promise_is_named() {
    let root = |members| vec![(4, Text("table")), (5, Number(members))];
    let huge = i64::from(i32::MAX);
    type Edit = fn(&mut Parquet);
    let edits: &[(Edit, &str)] = &[
        (|file| file.rows = 0, "other than the 0 rows"),
        (|file| file.rows = 1, "other than the 1 rows"),
        (|file| file.rows = 3, "other than the 3 rows"),
        (|file| file.rows = i64::MAX, "other than the 9223372036854775807 rows"),
        (|file| file.rows = -1, "a size is negative"),
        (|file| file.group_rows = 3, "other than the 2 rows"),
        (|file| file.group_rows = i64::MIN, "a size is negative"),
        (|file| (file.rows, file.group_rows) = (i64::MAX, i64::MAX), "promises more values"),
        (|file| (file.rows, file.group_rows) = (1 << 30, 1 << 30), "promises more values"),
        (|file| (file.groups, file.group_rows) = (2, i64::MAX), "other than the 2 rows"),
        (|file| (file.groups, file.rows) = (2, 4), "columns share bytes"),
        (|file| file.column_count = 0, "other columns than the table"),
        (|file| file.column_count = 2, "other columns than the table"),
        (|file| file.chunk_start = 0, "are not there"),
        (|file| file.chunk_start = 3, "are not there"),
        (|file| file.chunk_start = 5, "are not there"),
        (|file| file.chunk_start = i64::MAX, "are not there"),
        (|file| file.chunk_start = -1, "a size is negative"),
        (|file| file.chunk_length = Some(0), "ends before its 2 values"),
        (|file| file.chunk_length = Some(400), "are not there"),
        (|file| file.chunk_length = Some(i64::MAX), "are not there"),
        (|file| file.chunk_length = Some(-1), "a size is negative"),
        (|file| file.chunk_values = 1, "a column has 1 values in a row group of 2 rows"),
        (|file| file.chunk_values = 3, "a column has 3 values in a row group of 2 rows"),
        (|file| (file.rows, file.group_rows) = (3, 3), "a column has 2 values in a row group of 3 rows"),
        (|file| (file.rows, file.group_rows, file.chunk_values) = (3, 3, 3), "damaged"),
        (|file| file.chunk_values = 1 << 40, "promises more values"),
        (|file| file.chunk_values = -1, "a size is negative"),
        (|file| file.page_values = 0, "has a page without values"),
        (|file| file.page_values = 3, "have 3 values, and its footer says 2"),
        (|file| file.page_values = i64::from(i32::MAX), "a page promises 2147483647 values"),
        (|file| file.page_values = -1, "a size is negative"),
        (|file| file.page_packed = Some(9), "ends before its 2 values"),
        (|file| file.page_packed = Some(i64::MAX), "a number is out of range"),
        (|file| file.page_packed = Some(i64::from(i32::MAX)), "ends before its 2 values"),
        (|file| file.page_packed = Some(-8), "a size is negative"),
        (|file| file.page_unpacked = i64::from(i32::MAX), "promises more values"),
        (|file| file.page_unpacked = -1, "a size is negative"),
        (|file| (file.page_unpacked, file.padding) = (17 << 20, 4 << 20), "a page promises 2 values in 17825792 bytes"),
        (|file| file.page_encoding = 5, "in another way than"),
        (|file| file.page_encoding = 6, "in another way than"),
        (|file| file.page_encoding = 7, "in another way than"),
        (|file| file.page_encoding = 9, "in another way than"),
        (|file| file.page_encoding = -1, "in another way than"),
        (|file| file.level_encoding = 5, "in another way than"),
        (|file| file.page_kind = 2, "a page is of two kinds"),
        (|file| file.page_kind = 3, "a page is of two kinds"),
        (|file| file.dictionary = Some((4, i64::from(i32::MAX))), "promises 2147483647 entries"),
        (|file| file.dictionary = Some((i64::from(i32::MAX), 1)), "promises more values"),
        (|file| file.footer_length = Some(0), "its footer is damaged: it is cut short"),
        (|file| file.footer_length = Some(u32::MAX), "is too long for a file of"),
        (|file| file.promised_schema = Some(i32::MAX as u64), "its footer is damaged: it is cut short"),
        (|file| file.promised_schema = Some(u64::MAX), "its footer is damaged: it is cut short"),
        (|file| file.extra = vec![(5, Promise(1 << 40))], "its footer is damaged: it is cut short"),
    ];
    for (edit, expected) in edits {
        let mut file = Parquet::default();
        edit(&mut file);
        let found = problem(&file.bytes()).unwrap_or_default();
        assert!(found.contains(expected), "expected `{expected}`, found `{found}`");
    }
    let schemas = [
        (vec![], "other columns than the table"),
        (vec![root(2), column(1)], "no tree"),
        (vec![root(1), column(1), column(1)], "no tree"),
        (vec![root(-1), column(1)], "no tree"),
        (vec![root(huge), column(1)], "no tree"),
        (vec![root(1), group(-1)], "no tree"),
        (vec![root(1), group(1), group(1), group(1), column(1)], "nest too deep"),
        (vec![root(1), column(3)], "neither of numbers nor of text"),
        (vec![root(1), column(7)], "neither of numbers nor of text"),
        (vec![root(1), vec![(1, Number(1))]], "without names"),
        ([vec![root(8193)], vec![column(1); 8193]].concat(), "too many"),
    ];
    for (schema, expected) in schemas {
        let found = problem(&Parquet { schema, ..Parquet::default() }.bytes()).unwrap_or_default();
        assert!(found.contains(expected), "expected `{expected}`, found `{found}`");
    }
}

/// Polars takes a number to stand where Parquet has one, whatever the file says: after the one byte that it reads then, the rest of this
/// text would be a footer that promises two billion columns.
#[test]
fn a_number_that_is_a_text_hides_nothing() {
    let mut footer = vec![0x18, 0x0b, 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0, 0, 0, 0];
    footer.extend([0x19, 0x1c, 0x48, 0x01, b't', 0x15, 0, 0, 0x16, 0, 0x19, 0x0c, 0]);
    let length = (footer.len() as u32).to_le_bytes();
    let found = problem(&[&b"PAR1"[..], &footer, &length, b"PAR1"].concat()).unwrap();
    assert!(found.contains("of another type than Parquet says"), "{found}");
    let text = || Text("0123456789");
    let in_schema = |field| vec![vec![(4, text()), (5, Number(1))], vec![(1, Number(1)), (4, text()), (field, text())]];
    for field in 6..=10 {
        let found = problem(&Parquet { schema: in_schema(field), ..Parquet::default() }.bytes()).unwrap();
        assert!(found.contains("of another type than Parquet says"), "{field}: {found}");
    }
    for extra in [(5, text()), (6, Number(1)), (7, Struct(vec![])), (8, text()), (9, List(vec![]))] {
        let field = extra.0;
        let found = problem(&Parquet { extra: vec![extra], ..Parquet::default() }.bytes()).unwrap();
        assert!(found.contains("of another type than Parquet says"), "{field}: {found}");
    }
}

#[test]
fn what_is_said_besides_is_little() {
    let said = |count| Parquet { extra: vec![(5, List(vec![vec![(1, Text("a"))]; count]))], ..Parquet::default() };
    assert_eq!(problem(&said(256).bytes()), None);
    assert!(problem(&said(257).bytes()).unwrap().contains("says too much besides"));
}

/// A page says that it has three values, as everything else does, and holds two.
#[test]
fn a_column_that_ends_early_is_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    let file = Parquet { rows: 3, group_rows: 3, chunk_values: 3, page_values: 3, ..Parquet::default() };
    fs::write(&path, file.bytes()).unwrap();
    assert!(Table::read(&path, "a table").is_err());
}

/// Each schema element of this footer holds the next: a reader that follows them one in the other would run out of stack.
#[test]
fn depth_is_no_bomb() {
    let schema = [vec![vec![(4, Text("table")), (5, Number(1))]], vec![group(1); 100_000], vec![column(1)]].concat();
    let found = problem(&Parquet { schema, padding: 64 << 20, ..Parquet::default() }.bytes()).unwrap();
    assert!(found.contains("nest too deep"), "{found}");
    let mut nested = vec![(1, Number(1))];
    for _ in 0..10_000 {
        nested = vec![(1, Struct(nested))];
    }
    let found = problem(&Parquet { extra: vec![(15, Struct(nested))], ..Parquet::default() }.bytes()).unwrap();
    assert!(found.contains("nests too deep"), "{found}");
}

#[test]
fn a_footer_must_be_small_beside_its_file() {
    let group = || vec![(4, Text("table")), (5, Number(0))];
    let file = Parquet { schema: vec![group(); 400_000], ..Parquet::default() };
    let found = problem(&file.bytes()).unwrap();
    assert!(found.contains("is too long for a file"), "{found}");
}

/// Pages end, and headers lie, at every place of a window.
#[test]
fn truncations_are_errors_at_every_length() {
    let whole = Parquet::default().bytes();
    for length in 0..whole.len() {
        assert!(problem(&whole[..length]).is_some(), "{length}");
    }
}

/// As many equal values pack into a file that nothing of its size may hold.
#[test]
fn a_table_that_would_not_be_read_again_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    let write = |rows| write_table(&path, vec![Column::new("z".into(), vec![0.5_f32; rows])], Metadata::new());
    let error = write(12 << 20).unwrap_err().to_string();
    assert!(error.contains("expected a table that is read again, found that"), "{error}");
    write(1 << 20).unwrap();
}
