//! Large data in a page: bytes, deflated, as letters.

use miniz_oxide::deflate::compress_to_vec;
use serde::Serialize;

use super::template::json;
use crate::base64::base64;

/// From 0, fastest, to 10, smallest. Beyond this a page takes seconds longer to write and is hardly smaller.
const EFFORT: u8 = 7;

/// Bytes around each parcel or figure in a page, at most.
pub(super) const FRAME: usize = 256;

/// The place of a parcel in its page.
pub(super) type ParcelId = usize;

/// The parcels of a page.
#[derive(Debug)]
pub(super) struct Parcels {
    texts: Vec<String>,
    /// Bytes of the page that they take, and what says of each what it holds.
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
        self.size += text.len() + FRAME;
        self.texts.push(text);
        self.texts.len() - 1
    }

    /// What `add` makes, and adds parcels for, if there is room for both in the page; else nothing of it.
    ///
    /// # Errors
    /// Those of `add`, which then has added nothing.
    pub fn if_it_fits<T: Serialize, E>(&mut self, add: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<Option<T>, E> {
        let (count, size) = (self.texts.len(), self.size);
        let added = add(self);
        self.size += added.as_ref().map_or(0, |added| json(added).len());
        if added.is_ok() && self.size <= self.room {
            return added.map(Some);
        }
        self.texts.truncate(count);
        self.size = size;
        added.map(|_| None)
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
        let fits = |parcels: &mut Parcels, bytes: &[&[u8]]| {
            let add = |parcels: &mut Parcels| Ok(bytes.iter().map(|bytes| parcels.add(bytes)).collect::<Vec<_>>());
            parcels.if_it_fits::<_, ()>(add)
        };
        let mut parcels = Parcels::new(2 * FRAME + 40);
        assert_eq!(fits(&mut parcels, &[b"short"]), Ok(Some(vec![0])));
        let noise: Vec<u8> = (0..200_u32).map(|position| ((position * position * 2_654_435) >> 11) as u8).collect();
        assert_eq!(fits(&mut parcels, &[b"first", &noise]), Ok(None));
        let failed = parcels.if_it_fits::<(), &str>(|parcels| {
            parcels.add(b"half");
            Err("the other half is not there")
        });
        assert!(failed.is_err());
        assert_eq!(fits(&mut parcels, &[b"other"]), Ok(Some(vec![1])));
        assert_eq!(parcels.into_texts().len(), 2);
    }

    /// What says of parcels what they hold stands in the page too.
    #[test]
    fn descriptions_take_room_as_well() {
        let described = |room: usize, length: usize| {
            Parcels::new(room).if_it_fits::<_, ()>(|parcels| Ok((parcels.add(b"short"), "<".repeat(length))))
        };
        assert!(described(FRAME + 300, 40).is_ok_and(|added| added.is_some()));
        // Six letters of the page for each.
        assert!(described(FRAME + 300, 50).is_ok_and(|added| added.is_none()));
    }
}
