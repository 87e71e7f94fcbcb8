//! A history, a subscriber and a bad wire: what handlers got is what was sent, or a gap was said.
#![allow(missing_docs, unreachable_pub)]

mod support;

use std::time::Duration;

use protocol::{Limits, subscriber::Input};
use support::{pair::Pair, server::Restart, wire::Fate};

const SMALL: Limits = Limits { count: 12, bytes: 1 << 20, age: Duration::from_secs(300) };

fn run(seed: u64) {
    let mut pair = Pair::new(seed, SMALL);
    pair.input(Input::Connect);
    for _ in 0..150 {
        pair.step();
    }
    pair.settle();
    pair.check();
}

/// The seeds are split so that the cores share them: 12,000 in all, ten times as many in the long form.
fn check(part: u64) {
    let seeds = if std::env::var_os("TIDINGS_LONG").is_some() { 40_000 } else { 4_000 };
    for seed in part * seeds..(part + 1) * seeds {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn the_page_shows_the_truth_whatever_breaks_seeds_1() {
    check(0);
}

#[test]
fn the_page_shows_the_truth_whatever_breaks_seeds_2() {
    check(1);
}

#[test]
fn the_page_shows_the_truth_whatever_breaks_seeds_3() {
    check(2);
}

/// A few events, a restart in which some of them are lost, a reconnection whose wire is cut at byte `cut`.
fn cut_at(cut: usize, restart: Option<Restart>) -> usize {
    let mut pair = Pair::new(7, SMALL);
    pair.faults = false;
    pair.all_for_me = true;
    pair.input(Input::Connect);
    let calm = |pair: &mut Pair| {
        for _ in 0..20 {
            pair.answer();
            pair.write();
            pair.deliver();
            pair.advance_to_next();
        }
    };
    calm(&mut pair);
    for _ in 0..3 {
        pair.send();
    }
    calm(&mut pair);
    pair.fates.push(Fate::CutAfter(cut));
    match restart {
        Some(how) => {
            pair.crash();
            pair.advance(Duration::from_millis(10));
            pair.deliver();
            pair.restart(how);
        }
        None => pair.input(Input::Reconnect),
    }
    for _ in 0..4 {
        pair.send();
    }
    let mut delivered = 0;
    for _ in 0..300 {
        pair.answer();
        pair.write();
        pair.deliver();
        delivered = delivered.max(pair.wires.iter().map(support::wire::Wire::delivered).max().unwrap_or(0));
        pair.advance(Duration::from_millis(50));
    }
    pair.settle();
    pair.check();
    delivered
}

#[test]
fn a_cut_at_any_byte_of_a_replay_loses_nothing() {
    let whole = cut_at(100_000, None);
    assert!(whole > 400, "hello and four events are longer than {whole} bytes");
    for cut in 1..=whole {
        cut_at(cut, None);
    }
}

#[test]
fn a_cut_at_any_byte_of_hello_and_gap_loses_nothing() {
    for restart in [Restart::Whole, Restart::WithoutTail(2), Restart::Empty] {
        let whole = cut_at(100_000, Some(restart));
        assert!(whole > 200, "hello and gap are longer than {whole} bytes");
        for cut in 1..=whole {
            cut_at(cut, Some(restart));
        }
    }
}
