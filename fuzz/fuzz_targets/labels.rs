#![no_main]

use reader_fuzzing::read_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read_file(|path| drop(mnist_data::read_labels(path)), bytes));
