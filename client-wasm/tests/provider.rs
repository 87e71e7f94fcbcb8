//! The provider's own doing in a real browser: who is called, and that nothing stops the stream.
#![cfg(target_arch = "wasm32")]

mod support;

use support::Stage;
use tidings_bindings::Event;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const TOPICS: &str = include_str!("../../bindings/fixtures/topics_changed.json");

fn topics() -> String {
    TOPICS.lines().collect()
}

#[wasm_bindgen_test]
async fn an_event_is_handed_over_once_and_its_place_noted() {
    let mut stage = Stage::<Event>::online().await;
    stage.send("topics_changed", &topics()).await;
    let log = stage.log();
    let [only] = log.as_slice() else { panic!("{log:?}") };
    assert!(only.starts_with(r#"event {"kind":"event","type":"topics_changed","data":{"#), "{only}");
    assert_eq!(stage.provider.last_event_id(), "ep-2");
}

#[wasm_bindgen_test]
async fn a_held_event_waits_for_its_load() {
    let mut stage = Stage::<Event>::online().await;
    let hold = stage.provider.hold().expect("few loads run");
    stage.send("topics_changed", &topics()).await;
    assert_eq!(stage.log(), Vec::<String>::new());
    stage.provider.settle(hold, true);
    assert_eq!(stage.log().len(), 1);
}

#[wasm_bindgen_test]
async fn a_gap_supersedes_a_load_and_calls_the_resync_handlers() {
    let mut stage = Stage::<Event>::online().await;
    let hold = stage.provider.hold().expect("few loads run");
    stage.send("tidings:gap", r#"{"reason":"retention"}"#).await;
    assert_eq!(stage.log(), [format!("released {hold} superseded"), "resync retention".to_owned()]);
}

#[wasm_bindgen_test]
async fn a_control_event_of_another_shape_ends_the_stream_and_says_so() {
    let mut stage = Stage::<Event>::online().await;
    stage.send("tidings:heartbeat", r#"{"sent":"none"}"#).await;
    let log = stage.log();
    assert!(log.iter().any(|line| line.contains("malformed_stream")), "{log:?}");
    assert!(log.contains(&"state reconnecting".to_owned()), "{log:?}");
}

#[wasm_bindgen_test]
async fn closing_lets_go_and_stays_closed() {
    let stage = Stage::<Event>::online().await;
    stage.provider.close();
    assert_eq!(stage.log(), ["state closed"]);
    stage.provider.close();
    assert_eq!(stage.log(), Vec::<String>::new());
}

#[wasm_bindgen_test]
async fn the_memory_of_what_was_handled_is_used_again() {
    let pages = || core::arch::wasm32::memory_size(0);
    let mut stage = Stage::<Event>::online().await;
    let long = format!(r#"{{"type":"announced_later","data":{{"text":"{}"}}}}"#, "x".repeat(100_000));
    stage.send("announced_later", &long).await;
    let before = pages();
    for _ in 0..200 {
        stage.send("announced_later", &long).await;
    }
    // 20 MB have passed; a page of memory is 64 KiB.
    assert!(pages() - before < 32, "{before} pages became {}", pages());
}
