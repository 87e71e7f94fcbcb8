//! What the bounds count is what the heap holds: a full window and a hostile stream take no more than stated.

use std::{alloc::System, time::Duration};

use protocol::{
    Channel, ChannelSet, Decoder, Delivery, EncodedEvent, Entry, Epoch, History, Limits, Payload, Time,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes on the heap since the region began.
fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}

/// Fills a window twice over with events of `json_bytes`, each for its own `channels`, and looks at the heap
/// all along the way: tables double at some sizes.
fn check_window(json_bytes: usize, channels: impl Fn(u64) -> Vec<String>) {
    let epoch = Epoch::new("q3vN8sX0T1cA").expect("a literal of this test");
    let json = "x".repeat(json_bytes);
    let limits = Limits { count: usize::MAX, bytes: 2 * 1024 * 1024, age: Duration::MAX };
    let region = Region::new(ALLOCATOR);
    let mut history = History::new(epoch.clone(), limits);
    let mut sequence = 0;
    while history.len() as u64 * 2 > sequence || sequence < 4 {
        sequence += 1;
        let id = epoch.at(sequence);
        let members: Vec<_> =
            channels(sequence).iter().map(|name| Channel::user(name).expect("short")).collect();
        let channels = ChannelSet::new(members).expect("not empty");
        let block = EncodedEvent::new("note_created", &json).expect("frames").place(&id, &channels);
        // Live-only, since floors have a bound of their own.
        let payload = Payload::Event { block, delivery: Delivery::LiveOnly };
        history.append(Entry { id, channels, at: Time::from_millis(0), payload }).expect("in order");
        let held = held(&region);
        // A few entries cost less than the smallest tables.
        let counted = history.bytes() + 4_096;
        assert!(held <= counted, "{held} bytes for {counted} counted, {} entries", history.len());
    }
    assert!(history.bytes() > limits.bytes / 2, "the window was full");
}

/// One test, since the allocator counts for the whole process.
#[test]
fn the_heap_holds_no_more_than_what_is_counted() {
    check_window(300, |_| vec!["one".to_owned()]);
    check_window(300, |n| vec![n.to_string()]);
    check_window(20, |n| vec![n.to_string()]);
    check_window(20, |n| (0..50).map(|m| format!("{n}-{m}")).collect());
    check_window(20, |n| (0..50).map(|m| format!("{n}-{m:0>240}")).collect());
    check_window(100_000, |n| vec![n.to_string()]);

    // A megabyte of id, and as many small events under it as fit into a chunk.
    let stream = format!("id: {}\n\n{}", "x".repeat(1_000_000), "data\n\n".repeat(1_000));
    let region = Region::new(ALLOCATOR);
    let mut decoder = Decoder::new("");
    let mut events = Vec::new();
    decoder.feed(stream.as_bytes(), &mut events).expect("within the bound");
    assert_eq!(events.len(), 1_000);
    assert!(held(&region) < 4_000_000, "{} bytes", held(&region));

    // A line that never ends.
    let region = Region::new(ALLOCATOR);
    let mut decoder = Decoder::new("");
    let endless = [b'x'; 4_096];
    while decoder.feed(&endless, &mut events).is_ok() {}
    assert!(held(&region) <= 2 * protocol::EVENT_BYTES_MAX, "{} bytes", held(&region));
}
