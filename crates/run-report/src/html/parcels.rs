//! Large data in a page: bytes, deflated, as letters.

use miniz_oxide::deflate::compress_to_vec;

use crate::base64::base64;

/// From 0, fastest, to 10, smallest. Beyond this a page takes seconds longer to write and is hardly smaller.
const EFFORT: u8 = 7;

/// The place of a parcel in its page.
pub(super) type ParcelId = usize;

/// The parcels of a page.
#[derive(Debug)]
pub(super) struct Parcels {
    texts: Vec<String>,
    size: usize,
    room: usize,
}

impl Parcels {
    /// No parcels yet, with room for so many bytes.
    pub fn new(room: usize) -> Self {
        Self { texts: Vec::new(), size: 0, room }
    }

    /// Adds `bytes`.
    pub fn add(&mut self, bytes: &[u8]) -> ParcelId {
        // Raw deflate: what browsers call `deflate-raw`.
        let text = base64(&compress_to_vec(bytes, EFFORT));
        self.size += text.len();
        self.texts.push(text);
        self.texts.len() - 1
    }

    /// What `add` adds, if there is room for it; else nothing of it.
    pub fn if_it_fits<T>(&mut self, add: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let (count, size) = (self.texts.len(), self.size);
        let added = add(self);
        if self.size <= self.room {
            return Some(added);
        }
        self.texts.truncate(count);
        self.size = size;
        None
    }

    /// The parcels as they stand in the page.
    pub fn into_texts(self) -> Vec<String> {
        self.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_leaves_no_trace() {
        let mut parcels = Parcels::new(40);
        assert_eq!(parcels.if_it_fits(|parcels| parcels.add(b"short")), Some(0));
        let noise: Vec<u8> = (0..200_u32).map(|position| ((position * position * 2_654_435) >> 11) as u8).collect();
        assert_eq!(parcels.if_it_fits(|parcels| [parcels.add(b"first"), parcels.add(&noise)]), None);
        assert_eq!(parcels.if_it_fits(|parcels| parcels.add(b"other")), Some(1));
        assert_eq!(parcels.into_texts().len(), 2);
    }
}
