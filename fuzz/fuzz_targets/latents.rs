#![no_main]

use reader_fuzzing::{read_file, readers};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read_file(readers::latents, bytes));
