//! The coaching contract as a class for browsers: the Rust half of `@tidings/coaching-events`.

tidings_client_wasm::export_provider!(tidings_bindings::Event);
