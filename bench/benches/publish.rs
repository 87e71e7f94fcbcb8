//! What a send costs, down to the bytes that a connection hands to its socket.
//!
//! `one_user` is one delivery per iteration, `broadcast` a thousand: divan's `item/s` are deliveries per
//! second, and its allocations per iteration, divided by these, are allocations per delivery.

use divan::{AllocProfiler, Bencher, counter::ItemsCount};
use tidings_bench::house::House;
use tidings_server::Audience;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

#[divan::bench]
fn one_user_among_10_000(bencher: Bencher<'_, '_>) {
    let mut house = House::new(10_000).expect("a hub over memory starts");
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        house.send(Audience::user("4711")).expect("it is sent");
        assert_eq!(house.drain(4_711), 1);
    });
}

#[divan::bench]
fn broadcast_to_1_000(bencher: Bencher<'_, '_>) {
    let mut house = House::new(1_000).expect("a hub over memory starts");
    bencher.counter(ItemsCount::new(1_000_usize)).bench_local(|| {
        house.send(Audience::everyone()).expect("it is sent");
        for user in 0..1_000 {
            assert_eq!(house.drain(user), 1);
        }
    });
}

fn main() {
    divan::main();
}
