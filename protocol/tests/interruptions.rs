//! What a subscriber keeps of a connection that it left: floors, delays, credentials, what it shows, the time.
#![allow(missing_docs, unreachable_pub)]

#[path = "support/page.rs"]
mod page;

use std::time::Duration;

use page::{Page, SECOND};
use protocol::{
    Closed, State, SubscriberError,
    subscriber::{Credentials, Input, Output},
};

const HOUR: Duration = Duration::from_secs(3_600);

fn fail(page: &mut Page) {
    page.input(Input::Failed { attempt: page.attempt, error: &SubscriberError::Ended });
}

#[test]
fn a_clock_set_back_by_an_hour_delays_nothing_by_an_hour() {
    let mut page = Page::online();
    page.now = page.now - Duration::from_secs(600);
    page.heartbeat("e-10");
    assert!(page.wait() <= 38 * SECOND, "silence is noticed");
    let State::Reconnecting(outage) = page.client.state().clone() else { panic!("silent") };
    page.now = page.now - Duration::from_secs(300);
    page.input(Input::Timeout);
    let State::Reconnecting(moved) = page.client.state().clone() else { panic!("still silent") };
    assert_eq!(moved.since, outage.since - Duration::from_secs(300), "shown on the clock as it is now");
    assert!(moved.retry_at.expect("waits").since(page.now) <= SECOND);
    assert!(page.wait() <= SECOND, "and so is the next attempt");
    assert_eq!(page.opened().len(), 1);
}

#[test]
fn a_clock_set_back_while_nothing_happens_costs_one_more_wait_at_most() {
    let mut page = Page::online();
    let due = page.client.poll_timeout().expect("watched").since(page.now);
    page.now = page.now - Duration::from_secs(300);
    page.input(Input::Timeout);
    assert_eq!(page.client.poll_timeout().expect("watched").since(page.now), due);
}

#[test]
fn an_online_state_is_not_said_again_when_the_clock_is_set_back() {
    let mut page = Page::online();
    page.now = page.now - Duration::from_millis(3);
    page.heartbeat("e-10");
    assert_eq!(page.outputs, []);
}

#[test]
fn retry_after_is_a_floor_that_a_suspension_does_not_break() {
    let mut page = Page::new(Credentials::Ambient);
    page.input(Input::Connect);
    page.head(503, "", Some(20 * SECOND));
    page.input(Input::Suspend);
    page.pass(5 * SECOND);
    page.input(Input::Resume);
    assert!(page.wait() >= 15 * SECOND);
}

#[test]
fn a_page_that_comes_back_after_an_hour_does_not_call_its_outage_an_hour_long() {
    let mut page = Page::online();
    page.end();
    page.input(Input::Suspend);
    page.pass(HOUR);
    page.input(Input::Resume);
    let State::Reconnecting(outage) = page.client.state() else { panic!("{:?}", page.client.state()) };
    assert_eq!(outage.since, page.now);

    let mut page = Page::online();
    page.goodbye("lifetime", "1000");
    page.input(Input::Suspend);
    page.pass(HOUR);
    page.input(Input::Resume);
    assert!(matches!(page.client.state(), State::Online { .. }), "as quiet as the goodbye was");
}

#[test]
fn a_first_attempt_that_was_suspended_is_still_the_first() {
    let mut page = Page::new(Credentials::Ambient);
    page.input(Input::Connect);
    page.input(Input::Suspend);
    page.pass(HOUR);
    page.input(Input::Resume);
    assert_eq!(*page.client.state(), State::Connecting { since: page.now });
    page.wait();
    fail(&mut page);
    assert!(matches!(page.client.state(), State::Reconnecting(_)));
}

#[test]
fn a_page_that_is_visible_is_not_suspended() {
    let mut page = Page::online();
    page.input(Input::Suspend);
    page.opened();
    page.input(Input::Wake);
    assert!(page.wait() <= Duration::from_millis(300));
    assert_eq!(page.opened().len(), 1);
}

#[test]
fn another_identity_waits_for_a_suspended_page_to_come_back() {
    let mut page = Page::online();
    page.input(Input::Suspend);
    page.opened();
    page.input(Input::Identity { signed_in: true });
    assert_eq!(page.opened(), [], "an open request would keep the page out of the cache");
    page.input(Input::Resume);
    page.wait();
    assert_eq!(page.opened()[0].cursor, None);
    page.accept();
    page.hello_to("berta", "fresh", Some("e-30"));
    assert_eq!(page.take_resync().1, protocol::ResyncReason::IdentityChanged);
}

#[test]
fn a_sign_in_does_not_open_what_was_closed() {
    let mut page = Page::online();
    page.input(Input::Identity { signed_in: false });
    page.input(Input::Close);
    page.opened();
    page.input(Input::Identity { signed_in: true });
    assert_eq!(page.opened(), []);
}

#[test]
fn a_second_start_is_a_first_attempt_again() {
    let mut page = Page::online();
    page.input(Input::Close);
    assert_eq!(*page.client.state(), State::Closed(Closed::ByCaller));
    page.pass(HOUR);
    page.input(Input::Connect);
    let begun = page.now;
    page.pass(SECOND);
    fail(&mut page);
    let State::Reconnecting(outage) = page.client.state() else { panic!("{:?}", page.client.state()) };
    assert_eq!((outage.since, outage.attempt), (begun, 1));
}

#[test]
fn a_stream_that_never_came_is_long_broken_after_a_minute_too() {
    let mut page = Page::new(Credentials::Ambient);
    page.input(Input::Connect);
    let begun = page.now;
    while !matches!(page.client.state(), State::LongBroken(_)) {
        assert!(page.now.since(begun) < 70 * SECOND, "{:?}", page.client.state());
        page.wait();
    }
    assert!(page.now.since(begun) >= 60 * SECOND);
}

#[test]
fn credentials_that_could_not_be_renewed_are_still_to_be_renewed() {
    let check = |how: fn(&mut Page)| {
        let mut page = Page::new(Credentials::Renewable);
        page.input(Input::Connect);
        page.head(401, "", None);
        page.opened();
        how(&mut page);
        while !matches!(page.client.state(), State::Unauthorized { .. }) && page.outputs.is_empty() {
            page.wait();
        }
        page.outputs.retain(|output| matches!(output, Output::Open(_)));
        let attempts = page.opened();
        assert!(attempts.first().is_some_and(|attempt| attempt.renew_credentials), "{attempts:?}");
        page.head(401, "", None);
        assert!(matches!(page.client.state(), State::Unauthorized { .. }), "renewed, and refused again");
    };
    check(|page| {
        let error = SubscriberError::Auth("the token service is down".to_owned());
        page.input(Input::Failed { attempt: page.attempt, error: &error });
        page.outputs.clear();
    });
    check(|page| {
        page.pass(10 * SECOND);
        page.outputs.clear();
    });
    check(|page| page.input(Input::Reconnect));
    check(|page| {
        page.input(Input::Suspend);
        page.input(Input::Resume);
        page.outputs.clear();
    });
}

#[test]
fn a_planned_end_of_a_healthy_stream_resets_the_delay() {
    for leave in [
        (|page: &mut Page| page.goodbye("lifetime", "0")) as fn(&mut Page),
        |page| page.input(Input::Reconnect),
        |page| {
            page.input(Input::Suspend);
            page.input(Input::Resume);
        },
    ] {
        let mut page = Page::online();
        page.end();
        for _ in 0..8 {
            while page.opened().is_empty() {
                page.wait();
            }
            fail(&mut page);
        }
        while page.opened().is_empty() {
            page.wait();
        }
        page.accept();
        page.hello("replayed", Some("e-10"));
        page.pass(11 * SECOND);
        page.opened();
        leave(&mut page);
        while page.opened().is_empty() {
            page.wait();
        }
        fail(&mut page);
        assert!(page.client.poll_timeout().expect("waits").since(page.now) <= SECOND);
    }
}

#[test]
fn a_server_that_names_no_delay_is_not_hammered() {
    let mut page = Page::online();
    page.write("retry: 0\n\n");
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        fail(&mut page);
        longest = longest.max(page.client.poll_timeout().expect("waits").since(page.now));
        while page.opened().is_empty() {
            page.wait();
        }
    }
    assert!(longest > 5 * SECOND, "{longest:?}");
}

#[test]
fn a_parked_page_is_not_asked_to_fetch_what_it_may_not() {
    let mut page = Page::online();
    page.write("id: e-20\nevent: tidings:gap\ndata: {\"reason\":\"overflow\"}\n\n");
    let (hold, _) = page.take_resync();
    page.goodbye("revoked", "null");
    page.input(Input::Settled { hold, ok: false });
    assert_eq!(page.client.poll_timeout(), None, "parked: silence until connect()");
    page.pass(HOUR);
    page.input(Input::Connect);
    assert_eq!(page.take_resync().1, protocol::ResyncReason::Overflow, "and owed from then on");
}

#[test]
fn each_connection_may_have_its_credentials_renewed() {
    let mut page = Page::new(Credentials::Renewable);
    page.input(Input::Connect);
    for _ in 0..2 {
        page.head(401, "", None);
        assert!(page.opened().last().is_some_and(|attempt| attempt.renew_credentials));
        page.accept();
        page.hello("fresh", Some("e-10"));
        page.end();
        page.wait();
        assert!(page.opened().last().is_some_and(|attempt| !attempt.renew_credentials));
    }
}

#[test]
fn every_sleep_gives_one_interval_to_prove_life_and_no_wake_up_gives_another() {
    let mut page = Page::online();
    for _ in 0..2 {
        page.pass(8 * HOUR);
        assert!(matches!(page.client.state(), State::Online { .. }));
        page.heartbeat("e-10");
    }
    page.now = page.now + 8 * HOUR;
    page.input(Input::Wake);
    page.now = page.now + 16 * SECOND;
    page.input(Input::Wake);
    assert!(matches!(page.client.state(), State::Reconnecting(_)));
}
