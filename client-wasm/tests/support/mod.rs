//! A contract's provider over a scripted server, in a real browser.
#![allow(dead_code, reason = "each test file uses its part")]

use js_sys::{Array, Promise};
use protocol::Contract;
use tidings_client_wasm::BackendEventProvider;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/tests/support/host.js")]
extern "C" {
    pub(crate) type Scene;

    #[wasm_bindgen(constructor)]
    pub(crate) fn new() -> Scene;
    #[wasm_bindgen(method)]
    pub(crate) fn host(this: &Scene) -> tidings_client_wasm::Host;
    #[wasm_bindgen(method)]
    fn opened(this: &Scene) -> Promise;
    #[wasm_bindgen(method)]
    fn send(this: &Scene, text: &str) -> Promise;
    #[wasm_bindgen(method, js_name = takeLog)]
    fn take_log(this: &Scene) -> Array;
}

/// A provider that is online, and what its page and server do.
pub(crate) struct Stage<C> {
    pub(crate) scene: Scene,
    pub(crate) provider: BackendEventProvider<C>,
    next: u64,
}

impl<C: Contract> Stage<C> {
    pub(crate) async fn online() -> Self {
        let scene = Scene::new();
        let provider = BackendEventProvider::new(scene.host());
        provider.connect();
        settled(scene.opened()).await;
        let mut stage = Self { scene, provider, next: 1 };
        let hello = r#"{"connection_id":"c","subject":"s","resumed":"fresh","heartbeat_ms":15000,"contract":{"revision":1,"hash":""}}"#;
        stage.send("tidings:hello", hello).await;
        stage.log();
        stage
    }

    pub(crate) async fn send(&mut self, name: &str, data: &str) {
        let text = format!("id: ep-{}\nevent: {name}\ndata: {data}\n\n", self.next);
        self.next += 1;
        settled(self.scene.send(&text)).await;
    }

    /// What happened since the last look.
    pub(crate) fn log(&self) -> Vec<String> {
        self.scene.take_log().iter().filter_map(|line| line.as_string()).collect()
    }
}

async fn settled(promise: Promise) {
    JsFuture::from(promise).await.expect("the scene's promises do not reject");
}
