//! The history under any script of operations, beside a plain list of all that was appended.
#![no_main]

#[path = "../../protocol/tests/support/history_model.rs"]
mod history_model;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &[u8]| history_model::run(script));
