//! The bytes of a connection: `basehttp_fuzz::check` lists its properties.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| basehttp_fuzz::check::connection(input));
