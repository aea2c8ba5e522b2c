//! What Parquet's footers and page headers are made of.
//!
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift> has the numbers and types of the fields.
//! Polars takes a field of a number that it knows for what Parquet says it is, whatever the file says: read by another type, what
//! stands there would be something else to it than to whoever checks it.

use crate::thrift::Type::{Byte, Double, I32, I64, List, Struct, Text, Truth};
use crate::thrift::{Fields, Type};

pub(crate) const FILE: Fields = &[
    (1, I32),
    (2, List(&Struct(SCHEMA_ELEMENT))),
    (3, I64),
    (4, List(&Struct(ROW_GROUP))),
    (5, List(&Struct(KEY_VALUE))),
    (6, Text),
    (7, List(&Struct(COLUMN_ORDER))),
    (8, Struct(ENCRYPTION)),
    (9, Text),
];

pub(crate) const SCHEMA_ELEMENT: Fields = &[
    (1, I32),
    (2, I32),
    (3, I32),
    (4, Text),
    (5, I32),
    (6, I32),
    (7, I32),
    (8, I32),
    (9, I32),
    (10, Struct(LOGICAL_TYPE)),
];

const LOGICAL_TYPE: Fields = &[
    (1, EMPTY),
    (2, EMPTY),
    (3, EMPTY),
    (4, EMPTY),
    (5, Struct(&[(1, I32), (2, I32)])),
    (6, EMPTY),
    (7, TIME),
    (8, TIME),
    (10, Struct(&[(1, Byte), (2, Truth)])),
    (11, EMPTY),
    (12, EMPTY),
    (13, EMPTY),
    (14, EMPTY),
    (15, EMPTY),
    (16, Struct(&[(1, Byte)])),
    (17, Struct(&[(1, Text)])),
    (18, Struct(&[(1, Text), (2, I32)])),
];

const EMPTY: Type = Struct(&[]);

const TIME: Type = Struct(&[(1, Truth), (2, Struct(&[(1, EMPTY), (2, EMPTY), (3, EMPTY)]))]);

pub(crate) const KEY_VALUE: Fields = &[(1, Text), (2, Text)];

const COLUMN_ORDER: Fields = &[(1, EMPTY)];

const ENCRYPTION: Fields = &[(1, CIPHER), (2, CIPHER)];

const CIPHER: Type = Struct(&[(1, Text), (2, Text), (3, Truth)]);

pub(crate) const ROW_GROUP: Fields = &[
    (1, List(&Struct(COLUMN_CHUNK))),
    (2, I64),
    (3, I64),
    (4, List(&Struct(&[(1, I32), (2, Truth), (3, Truth)]))),
    (5, I64),
    (6, I64),
    (7, I32),
];

pub(crate) const COLUMN_CHUNK: Fields = &[
    (1, Text),
    (2, I64),
    (3, Struct(COLUMN)),
    (4, I64),
    (5, I32),
    (6, I64),
    (7, I32),
    (8, Struct(&[(1, EMPTY), (2, Struct(&[(1, List(&Text)), (2, Text)]))])),
    (9, Text),
];

pub(crate) const COLUMN: Fields = &[
    (1, I32),
    (2, List(&I32)),
    (3, List(&Text)),
    (4, I32),
    (5, I64),
    (6, I64),
    (7, I64),
    (8, List(&Struct(KEY_VALUE))),
    (9, I64),
    (10, I64),
    (11, I64),
    (12, Struct(STATISTICS)),
    (13, List(&Struct(&[(1, I32), (2, I32), (3, I32)]))),
    (14, I64),
    (15, I32),
    (16, Struct(&[(1, I64), (2, List(&I64)), (3, List(&I64))])),
    (17, Struct(&[(1, Struct(BOX)), (2, List(&I32))])),
];

const STATISTICS: Fields = &[(1, Text), (2, Text), (3, I64), (4, I64), (5, Text), (6, Text), (7, Truth), (8, Truth)];

const BOX: Fields =
    &[(1, Double), (2, Double), (3, Double), (4, Double), (5, Double), (6, Double), (7, Double), (8, Double)];

pub(crate) const PAGE: Fields = &[
    (1, I32),
    (2, I32),
    (3, I32),
    (4, I32),
    (5, Struct(DATA_PAGE)),
    (6, EMPTY),
    (7, Struct(DICTIONARY_PAGE)),
    (8, Struct(DATA_PAGE_2)),
];

pub(crate) const DATA_PAGE: Fields = &[(1, I32), (2, I32), (3, I32), (4, I32), (5, Struct(STATISTICS))];

pub(crate) const DICTIONARY_PAGE: Fields = &[(1, I32), (2, I32), (3, Truth)];

pub(crate) const DATA_PAGE_2: Fields =
    &[(1, I32), (2, I32), (3, I32), (4, I32), (5, I32), (6, I32), (7, Truth), (8, Struct(STATISTICS))];
