//! The one place where a panic in a library that reads files ends: it becomes an error of the file.
//!
//! Nothing of ours panics on what is in a file, and the libraries mostly do not. But Parquet has more corners than its readers
//! have checks, and a file from a stranger must not look like a bug of the stage.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

const _: () = assert!(cfg!(panic = "unwind"), "panics of libraries cannot be contained where they abort");

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// What `read` gives, or the message of the panic that it ended in, of which nothing is printed. What `read` changes must not
/// be used after a panic.
///
/// # Errors
/// `read` panicked.
pub fn contain_panics<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = take_hook();
        set_hook(Box::new(move |panic| {
            if !CONTAINED.get() {
                loud(panic);
            }
        }));
    });
    let outer = CONTAINED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(read));
    CONTAINED.set(outer);
    outcome.map_err(|panic| format!("its reader gave up: {}", message(panic.as_ref())))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it does not say why")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(contain_panics(|| 7), Ok(7));
        let values: Vec<u8> = Vec::new();
        let message = contain_panics(|| values[3]).map(drop);
        assert_eq!(message, Err("its reader gave up: index out of bounds: the len is 0 but the index is 3".to_owned()));
        assert_eq!(contain_panics(|| panic!("so")), Err::<(), _>("its reader gave up: so".to_owned()));
        assert!(!CONTAINED.get());
    }
}
