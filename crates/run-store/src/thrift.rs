//! Thrift's compact protocol, as far as Parquet's footers and page headers use it, read without trusting a number in it.
//!
//! Polars sets memory aside for as many elements as a list says it has, and aborts where there is none; so every list is
//! walked here first. Only what all writers write is taken: fields in ascending order, numbers no longer than they need be.

/// What a field of a known number, or an element of a list, is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Type {
    Truth,
    Byte,
    I32,
    I64,
    Double,
    Text,
    List(&'static Self),
    Struct(Fields),
}

/// The fields that a struct may have by number; others are passed over, whatever they are.
pub(crate) type Fields = &'static [(i64, Type)];

/// A field's or an element's type, as it is written.
type Kind = u8;

const TRUE: Kind = 1;
const FALSE: Kind = 2;
const BYTE: Kind = 3;
const I16: Kind = 4;
const I32: Kind = 5;
const I64: Kind = 6;
const DOUBLE: Kind = 7;
const BINARY: Kind = 8;
const LIST: Kind = 9;
const STRUCT: Kind = 12;

/// Parquet nests less than ten deep.
const DEEPEST: u32 = 16;

/// What is wrong with the bytes.
pub(crate) type Parsed<T> = Result<T, &'static str>;

const CUT_SHORT: &str = "it is cut short";
const WRONG_TYPE: &str = "a field is of another type than Parquet says";

impl Type {
    /// Whether a value of it may be said to be of `kind`: numbers of all lengths are written alike.
    fn is_written_as(self, kind: Kind) -> bool {
        match self {
            Self::Truth => matches!(kind, TRUE | FALSE),
            Self::Byte => kind == BYTE,
            Self::I32 | Self::I64 => matches!(kind, I16 | I32 | I64),
            Self::Double => kind == DOUBLE,
            Self::Text => kind == BINARY,
            Self::List(_) => kind == LIST,
            Self::Struct(_) => kind == STRUCT,
        }
    }
}

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

    /// Reads a struct of fields of known types: `field` gets the number of each in turn, and reads it or says that it did not.
    pub(crate) fn fields(
        &mut self,
        known: Fields,
        mut field: impl FnMut(&mut Self, i64) -> Parsed<bool>,
    ) -> Parsed<()> {
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
            match known.iter().find(|(known, _)| *known == number) {
                Some((_, of)) if !of.is_written_as(kind) => return Err(WRONG_TYPE),
                Some((_, of)) => {
                    if !field(self, number)? {
                        self.pass(*of)?;
                    }
                }
                None => self.skip(kind)?,
            }
        }
    }

    /// Reads a list of structs: `element` reads each.
    pub(crate) fn structs(&mut self, mut element: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        let (length, kind) = self.list()?;
        if length > 0 && kind != STRUCT {
            return Err(WRONG_TYPE);
        }
        (0..length).try_for_each(|_| element(self))
    }

    /// Reads a number of 32 bits.
    pub(crate) fn i32(&mut self) -> Parsed<i64> {
        let number = self.i64()?;
        if i32::try_from(number).is_ok() { Ok(number) } else { Err("a number is out of range") }
    }

    /// Reads a number.
    pub(crate) fn i64(&mut self) -> Parsed<i64> {
        Ok(zigzag(self.varint()?))
    }

    /// Reads a text's bytes.
    pub(crate) fn text(&mut self) -> Parsed<&'a [u8]> {
        let length = self.varint()?;
        self.take(length)
    }

    /// Passes over a value of a known type.
    fn pass(&mut self, of: Type) -> Parsed<()> {
        match of {
            Type::Truth => Ok(()),
            Type::Byte => self.byte().map(drop),
            Type::I32 => self.i32().map(drop),
            Type::I64 => self.i64().map(drop),
            Type::Double => self.take(8).map(drop),
            Type::Text => self.text().map(drop),
            Type::Struct(known) => self.fields(known, |_, _| Ok(false)),
            Type::List(element) => {
                let (length, kind) = self.list()?;
                if length > 0 && !element.is_written_as(kind) {
                    return Err(WRONG_TYPE);
                }
                (0..length).try_for_each(|_| self.pass(*element))
            }
        }
    }

    /// Passes over a value of an unknown field, as polars does.
    fn skip(&mut self, kind: Kind) -> Parsed<()> {
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.byte().map(drop),
            I16 | I32 | I64 => self.varint().map(drop),
            DOUBLE => self.take(8).map(drop),
            BINARY => self.text().map(drop),
            STRUCT => self.fields(&[], |_, _| Ok(false)),
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
        Compact::new(bytes).fields(&[], |_, _| Ok(false))
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
        assert_eq!(Compact::new(&[0x80, 0x80, 0x80, 0x80, 0x10]).i32(), Err("a number is out of range"));
        assert_eq!(Compact::new(&[0x80, 0x80, 0x80, 0x80, 0x10]).i64(), Ok(1 << 31));
    }

    /// A value of each type in the place of one of each.
    #[test]
    fn known_fields_are_of_their_type() {
        const PART: Fields = &[(1, Type::I32)];
        const KNOWN: [Fields; 9] = [
            &[(1, Type::Truth)],
            &[(1, Type::Byte)],
            &[(1, Type::I32)],
            &[(1, Type::I64)],
            &[(1, Type::Double)],
            &[(1, Type::Text)],
            &[(1, Type::List(&Type::I32))],
            &[(1, Type::List(&Type::Struct(PART)))],
            &[(1, Type::Struct(PART))],
        ];
        let written: [&[u8]; 9] = [
            &[0x11, 0],
            &[0x13, 7, 0],
            &[0x15, 7, 0],
            &[0x16, 7, 0],
            &[0x17, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x18, 1, b'a', 0],
            &[0x19, 0x15, 7, 0],
            &[0x19, 0x1c, 0x15, 7, 0, 0],
            &[0x1c, 0x15, 7, 0, 0],
        ];
        let numbers = |place: usize| place == 2 || place == 3;
        for (place, known) in KNOWN.into_iter().enumerate() {
            for (other, bytes) in written.iter().enumerate() {
                let found = Compact::new(bytes).fields(known, |_, _| Ok(false));
                let is_known = place == other || numbers(place) && numbers(other);
                assert_eq!(found, if is_known { Ok(()) } else { Err(WRONG_TYPE) }, "{place} {other}");
            }
        }
        // Within a struct in a list, too.
        assert_eq!(Compact::new(&[0x19, 0x1c, 0x18, 0, 0, 0]).fields(KNOWN[7], |_, _| Ok(false)), Err(WRONG_TYPE));
    }
}
