//! How often memory is asked for, counted; one test, since the count is of the whole process.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tidings_bench::{count::Path, house::House};
use tidings_server::Audience;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What a thousand events cost, after a thousand that have filled what grows once.
fn allocations(mut once: impl FnMut()) -> usize {
    (0..1_000).for_each(|_| once());
    let region = Region::new(ALLOCATOR);
    (0..1_000).for_each(|_| once());
    let change = region.change();
    change.allocations + change.reallocations
}

/// What going a path once costs, in the long run.
fn allocations_of(path: Path) -> usize {
    let [few, many] = [100, 300].map(|times| {
        let region = Region::new(ALLOCATOR);
        path.go(times).expect("it goes");
        let change = region.change();
        change.allocations + change.reallocations
    });
    (many.saturating_sub(few) + 100) / 200
}

#[test]
fn a_delivery_allocates_nothing_and_a_send_no_more_than_it_did() {
    let empty = House::new(0).expect("a hub over memory starts");
    let alone = allocations(|| empty.send(Audience::everyone()).expect("it is sent"));
    let mut house = House::new(50).expect("a hub over memory starts");
    let delivered = allocations(|| {
        house.send(Audience::everyone()).expect("it is sent");
        (0..50).for_each(|user| assert_eq!(house.drain(user), 1));
    });
    println!("1,000 sends: {alone} allocations; with 50 deliveries each: {delivered}");
    assert!(delivered <= alone + 10, "50,000 deliveries allocated {} times", delivered - alone);
    // The frame and its count, the store's future, and lists of one for drafts, entries and ids.
    assert!(alone <= 6_010, "1,000 sends allocated {alone} times");
    for (path, most) in Path::ALL.into_iter().zip([7, 6, 66, 3, 3, 52, 5, 11]) {
        let made = allocations_of(path);
        println!("{:<8}{made:>3} allocations", path.name());
        assert!(made <= most, "{path:?} allocated {made} times, {most} before");
    }
}
