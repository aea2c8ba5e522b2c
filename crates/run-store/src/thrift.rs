//! Thrift's compact protocol, as far as Parquet's footers and page headers use it, read without trusting a number in it.
//!
//! Polars sets memory aside for as many elements as a list says it has, and aborts where there is none; so every list is
//! walked here first. Only what all writers write is taken: fields in ascending order, numbers no longer than they need be.

/// A field's or an element's type.
pub(crate) type Kind = u8;

const TRUE: Kind = 1;
const FALSE: Kind = 2;
const BYTE: Kind = 3;
const I16: Kind = 4;
const I32: Kind = 5;
const I64: Kind = 6;
const DOUBLE: Kind = 7;
const BINARY: Kind = 8;
const LIST: Kind = 9;
pub(crate) const STRUCT: Kind = 12;

/// Parquet nests less than ten deep.
const DEEPEST: u32 = 16;

/// What is wrong with the bytes.
pub(crate) type Parsed<T> = Result<T, &'static str>;

const CUT_SHORT: &str = "it is cut short";

/// A place in the bytes.
pub(crate) struct Compact<'a> {
    bytes: &'a [u8],
    depth: u32,
}

impl<'a> Compact<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, depth: 0 }
    }

    /// The bytes after this place.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// Reads a struct: `field` gets the number and type of each of its fields in turn, and reads it or says that it did not.
    pub(crate) fn fields(&mut self, mut field: impl FnMut(&mut Self, i64, Kind) -> Parsed<bool>) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it nests too deep");
        }
        let mut last = 0;
        loop {
            let header = self.byte()?;
            if header == 0 {
                self.depth -= 1;
                return Ok(());
            }
            let number = match header >> 4 {
                0 => zigzag(self.varint()?),
                delta => last + i64::from(delta),
            };
            if number <= last || number > i64::from(i16::MAX) {
                return Err("its fields are out of order");
            }
            last = number;
            let kind = header & 15;
            if !field(self, number, kind)? {
                self.skip(kind)?;
            }
        }
    }

    /// Reads a list of structs: `element` reads each.
    pub(crate) fn structs(&mut self, kind: Kind, mut element: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        if kind != LIST {
            return Err("a list of structs is something else");
        }
        let (length, kind) = self.list()?;
        if kind != STRUCT {
            return Err("a list of structs is one of something else");
        }
        (0..length).try_for_each(|_| element(self))
    }

    /// Reads a number.
    pub(crate) fn number(&mut self, kind: Kind) -> Parsed<i64> {
        let number = match kind {
            I16 | I32 | I64 => zigzag(self.varint()?),
            _ => return Err("a number is something else"),
        };
        if kind == I64 || i32::try_from(number).is_ok() { Ok(number) } else { Err("a number is out of range") }
    }

    /// Reads a text's bytes.
    pub(crate) fn binary(&mut self, kind: Kind) -> Parsed<&'a [u8]> {
        if kind != BINARY {
            return Err("a text is something else");
        }
        let length = self.varint()?;
        self.take(length)
    }

    fn skip(&mut self, kind: Kind) -> Parsed<()> {
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.byte().map(drop),
            I16 | I32 | I64 => self.varint().map(drop),
            DOUBLE => self.take(8).map(drop),
            BINARY => self.binary(kind).map(drop),
            STRUCT => self.fields(|_, _, _| Ok(false)),
            LIST => {
                let (length, kind) = self.list()?;
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err("it nests too deep");
                }
                // Polars takes a truth in a list for nothing, others for a byte.
                if matches!(kind, TRUE | FALSE) && length > 0 {
                    return Err("it has a list of truths");
                }
                (0..length).try_for_each(|_| self.skip(kind))?;
                self.depth -= 1;
                Ok(())
            }
            _ => Err("it has a value of a type that Parquet does not use"),
        }
    }

    /// How many elements follow, and their type. Each has at least a byte.
    fn list(&mut self) -> Parsed<(u64, Kind)> {
        let header = self.byte()?;
        let length = match header >> 4 {
            15 => self.varint()?,
            length => u64::from(length),
        };
        if length > self.bytes.len() as u64 { Err(CUT_SHORT) } else { Ok((length, header & 15)) }
    }

    fn byte(&mut self) -> Parsed<u8> {
        let (first, rest) = self.bytes.split_first().ok_or(CUT_SHORT)?;
        self.bytes = rest;
        Ok(*first)
    }

    fn take(&mut self, length: u64) -> Parsed<&'a [u8]> {
        let length = usize::try_from(length).map_err(|_| CUT_SHORT)?;
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(CUT_SHORT)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// Seven bits a byte, lowest first.
    fn varint(&mut self) -> Parsed<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 127);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err("a number is too long")
    }
}

fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(bytes: &[u8]) -> Parsed<()> {
        Compact::new(bytes).fields(|_, _, _| Ok(false))
    }

    #[test]
    fn what_all_writers_write_is_taken() {
        // A truth, a byte, a number, a double, a text, a list of numbers, a struct with a field of a far number.
        let whole = [
            &[0x11, 0x13, 5, 0x15, 0x83, 0x01, 0x17][..],
            &[0; 8],
            &[0x18, 2, b'a', b'b', 0x19, 0x25, 1, 2, 0x1c, 0x05, 0xc8, 0x01, 7, 0, 0],
        ]
        .concat();
        assert_eq!(walk(&whole), Ok(()));
        for length in 0..whole.len() {
            assert_eq!(walk(&whole[..length]), Err(CUT_SHORT), "{length}");
        }
        assert_eq!((zigzag(0), zigzag(1), zigzag(2), zigzag(u64::MAX)), (0, -1, 1, i64::MIN));
    }

    #[test]
    fn what_promises_more_than_there_is_is_refused() {
        let ten_bits = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        let cases: [(&[u8], &str); 9] = [
            (&[0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0], CUT_SHORT),
            (&[0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0], CUT_SHORT),
            (&[0x19, 0x31, 1, 1, 1, 0], "it has a list of truths"),
            (&[0x1a, 0x05, 0], "it has a value of a type that Parquet does not use"),
            (&[0x05, 0x02, 1, 0x05, 0x02, 1, 0], "its fields are out of order"),
            (&[0x05, 0x01, 1, 0], "its fields are out of order"),
            (&[&[0x16][..], &ten_bits, &[0]].concat(), "a number is too long"),
            (&[0x1c; 100], "it nests too deep"),
            (&[&[0x19][..], &[0x19; 100]].concat(), "it nests too deep"),
        ];
        for (bytes, problem) in cases {
            assert_eq!(walk(bytes), Err(problem), "{bytes:02x?}");
        }
        let number = |kind: Kind, bytes: &[u8]| Compact::new(bytes).number(kind);
        assert_eq!(number(I32, &[0x80, 0x80, 0x80, 0x80, 0x10]), Err("a number is out of range"));
        assert_eq!(number(I64, &[0x80, 0x80, 0x80, 0x80, 0x10]), Ok(1 << 31));
        assert_eq!(number(BINARY, &[0]), Err("a number is something else"));
    }
}
