//! The allocator of everything in the wasm: talc, at half the size of the standard library's.
//!
//! Freed memory is joined with its neighbours and given out again; the memory grows only where nothing free is large
//! enough.

use talc::wasm::{WasmDynamicTalc, new_wasm_dynamic_allocator};

#[global_allocator]
static ALLOCATOR: WasmDynamicTalc = new_wasm_dynamic_allocator();
