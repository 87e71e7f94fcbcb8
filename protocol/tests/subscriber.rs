//! What a subscriber makes of each answer, silence, wake-up and goodbye.
#![allow(missing_docs, unreachable_pub)]

#[path = "support/page.rs"]
mod page;

use std::time::Duration;

use page::{Page, SECOND, id};
use protocol::{
    Closed, Control, Millis, State, SubscriberError,
    subscriber::{Config, Credentials, Input, Output},
};

#[test]
fn each_answer_means_what_the_design_says() {
    #[derive(Debug, PartialEq)]
    enum Means {
        Retry,
        Unauthorized,
        Closed,
    }
    let check = |status, content_type, means| {
        let mut page = Page::new(Credentials::Ambient);
        page.input(Input::Connect);
        page.head(status, content_type, None);
        let got = match page.client.state() {
            State::Reconnecting(_) => Means::Retry,
            State::Unauthorized { .. } => Means::Unauthorized,
            State::Closed(_) => Means::Closed,
            state => panic!("{status}: {state:?}"),
        };
        assert_eq!(got, means, "{status} {content_type}");
    };
    for status in [404, 408, 425, 429, 500, 502, 503, 599, 301, 206] {
        check(status, "text/html", Means::Retry);
    }
    check(200, "text/html", Means::Retry);
    check(200, "text/event-streams", Means::Retry);
    for status in [401, 403] {
        check(status, "text/html", Means::Unauthorized);
    }
    for status in [204, 400, 405, 410, 418] {
        check(status, "text/html", Means::Closed);
    }
}

#[test]
fn refused_credentials_are_renewed_once_then_parked() {
    let mut page = Page::new(Credentials::Renewable);
    page.input(Input::Connect);
    page.head(401, "", None);
    let attempts = page.opened();
    assert_eq!(attempts.iter().map(|a| a.renew_credentials).collect::<Vec<_>>(), [false, true]);
    page.head(403, "", None);
    assert!(matches!(page.client.state(), State::Unauthorized { .. }));
    assert_eq!(page.client.poll_timeout(), None, "parked: silence until connect()");
    page.opened();
    page.input(Input::Wake);
    page.input(Input::Network { online: true });
    assert_eq!(page.opened(), []);
    page.input(Input::Connect);
    assert_eq!(page.opened().len(), 1);
}

#[test]
fn retry_after_is_a_floor_that_a_wake_up_does_not_break() {
    let mut page = Page::new(Credentials::Ambient);
    page.input(Input::Connect);
    page.head(503, "", Some(20 * SECOND));
    page.input(Input::Wake);
    assert!(page.wait() >= 20 * SECOND);
}

#[test]
fn a_wake_up_tries_within_300_ms() {
    let mut page = Page::online();
    page.end();
    for _ in 0..8 {
        page.wait();
        page.input(Input::Failed { attempt: page.attempt, error: &SubscriberError::Ended });
    }
    page.input(Input::Wake);
    assert!(page.wait() <= Duration::from_millis(300));
}

#[test]
fn a_clean_end_every_200_ms_makes_the_delay_grow() {
    let mut page = Page::online();
    let mut longest = Duration::ZERO;
    for _ in 0..12 {
        page.pass(Duration::from_millis(200));
        page.end();
        longest = longest.max(page.client.poll_timeout().expect("waits").since(page.now));
        page.wait();
        page.accept();
        page.hello("replayed", Some("e-10"));
    }
    assert!(longest > 5 * SECOND, "{longest:?}");
}

#[test]
fn a_healthy_stream_resets_the_delay() {
    let mut page = Page::online();
    for _ in 0..8 {
        page.end();
        while page.opened().is_empty() {
            page.wait();
        }
    }
    page.accept();
    page.hello("replayed", Some("e-10"));
    page.pass(11 * SECOND);
    page.heartbeat("e-10");
    page.end();
    assert!(page.client.poll_timeout().expect("waits").since(page.now) <= SECOND);
}

#[test]
fn silence_of_two_and_a_half_heartbeats_is_death() {
    let mut page = Page::online();
    page.pass(37 * SECOND);
    assert!(matches!(page.client.state(), State::Online { .. }));
    page.pass(SECOND / 2);
    let State::Reconnecting(outage) = page.client.state() else { panic!("{:?}", page.client.state()) };
    assert_eq!(outage.reason, SubscriberError::IdleTimeout(Millis::new(37_500)));
}

#[test]
fn after_eight_hours_of_sleep_a_living_stream_may_prove_itself_and_a_dead_one_reconnects_once() {
    for alive in [true, false] {
        let mut page = Page::online();
        page.pass(Duration::from_secs(8 * 3600));
        assert!(matches!(page.client.state(), State::Online { .. }), "one interval to prove life");
        if alive {
            page.heartbeat("e-10");
            assert!(page.client.poll_timeout().expect("watched").since(page.now) > 37 * SECOND);
        } else {
            page.pass(15 * SECOND);
            page.wait();
            let attempts = page.opened();
            assert_eq!(attempts.len(), 1);
            assert_eq!(attempts[0].cursor, Some(id("e-10")));
        }
    }
}

#[test]
fn an_attempt_that_never_answers_times_out() {
    let mut page = Page::new(Credentials::Ambient);
    page.input(Input::Connect);
    assert_eq!(page.wait(), 10 * SECOND);
    assert!(page.outputs.contains(&Output::Abort { attempt: 1 }));
}

#[test]
fn what_an_abandoned_attempt_still_says_is_ignored() {
    let mut page = Page::online();
    let old = page.attempt;
    page.input(Input::Reconnect);
    page.outputs.clear();
    page.input(Input::Bytes { attempt: old, bytes: b"id: e-11\nevent: changed\ndata: {}\n\n" });
    page.input(Input::End { attempt: old });
    assert_eq!(page.outputs, []);
    assert_eq!(page.client.last_event_id(), Some(&id("e-10")));
}

#[test]
fn an_outage_is_long_broken_after_a_minute_and_still_tried() {
    let mut page = Page::online();
    page.end();
    let mut states = Vec::new();
    let end = page.now + 90 * SECOND;
    while page.now < end {
        page.wait();
        page.input(Input::Failed { attempt: page.attempt, error: &SubscriberError::Ended });
        states.push(page.client.state().clone());
    }
    let first = states.iter().position(|state| matches!(state, State::LongBroken(_))).expect("long-broken");
    assert!(first > 0 && states[first..].iter().all(|state| matches!(state, State::LongBroken(_))));
    assert!(page.client.poll_timeout().is_some());
}

#[test]
fn offline_is_a_label_and_never_a_gate() {
    let mut page = Page::online();
    page.input(Input::Network { online: false });
    assert!(matches!(page.client.state(), State::Online { .. }), "bytes still flow");
    page.end();
    assert!(matches!(page.client.state(), State::Offline(_)));
    page.wait();
    assert_eq!(page.opened().len(), 1, "tried all the same");
}

#[test]
fn a_planned_goodbye_is_not_seen_if_the_next_hello_comes_in_time() {
    for reason in ["lifetime", "draining"] {
        let mut page = Page::online();
        let before = page.client.state().clone();
        page.goodbye(reason, "1000");
        let waited = page.wait();
        assert!((SECOND..=SECOND + SECOND / 2).contains(&waited), "{waited:?}");
        page.pass(SECOND);
        page.accept();
        page.hello("replayed", Some("e-10"));
        assert_eq!(*page.client.state(), before);
        assert!(!page.outputs.iter().any(|output| matches!(output, Output::State(_) | Output::Error(_))));
    }
}

#[test]
fn a_planned_goodbye_without_a_hello_in_time_is_an_outage() {
    let mut page = Page::online();
    page.goodbye("draining", "0");
    page.pass(3 * SECOND);
    assert!(matches!(page.client.state(), State::Reconnecting(_)));
}

#[test]
fn every_other_goodbye_means_what_it_says() {
    let mut page = Page::online();
    page.goodbye("revoked", "null");
    assert!(matches!(page.client.state(), State::Unauthorized { reason: SubscriberError::Revoked }));

    let mut page = Page::online();
    page.goodbye("replaced", "null");
    assert_eq!(*page.client.state(), State::Closed(Closed::Failed(SubscriberError::Replaced)));

    let mut page = Page::online();
    page.goodbye("over_limit", "30000");
    assert!(page.wait() >= 30 * SECOND);

    let mut page = Page::with(
        Config { credentials: Credentials::Renewable, ..Config::new(Control::parse) },
        Some("e-10"),
    );
    page.input(Input::Connect);
    page.accept();
    page.hello("replayed", Some("e-10"));
    page.opened();
    page.goodbye("expired", "0");
    page.wait();
    assert!(page.opened()[0].renew_credentials);
}

#[test]
fn a_sign_of_life_is_given_as_often_as_hello_asks_and_by_late_timers_with_the_bytes() {
    let mut page = Page::online();
    page.end();
    page.wait();
    page.accept();
    page.write(
        "id: e-10\nevent: tidings:hello\ndata: {\"connection_id\":\"c2\",\"subject\":\"anna\",\
         \"resumed\":\"replayed\",\"heartbeat_ms\":15000,\"alive_ms\":20000,\
         \"contract\":{\"revision\":0,\"hash\":\"\"}}\n\n",
    );
    page.outputs.clear();
    let alive = || vec![Output::Alive { connection_id: "c2".to_owned() }];
    assert_eq!(page.wait(), 20 * SECOND);
    assert_eq!(std::mem::take(&mut page.outputs), alive());
    // No timer runs from here on.
    let mut given = 0;
    for _ in 0..8 {
        page.now = page.now + 15 * SECOND;
        page.heartbeat("e-10");
        given += std::mem::take(&mut page.outputs).len();
    }
    assert_eq!(given, 4, "every other heartbeat");
    page.end();
    page.outputs.clear();
    page.pass(21 * SECOND);
    assert!(!page.outputs.iter().any(|output| matches!(output, Output::Alive { .. })), "of no stream");
}
