//! What a subscriber makes of what a stream says: repeats, gaps, held events, identities.
#![allow(missing_docs, unreachable_pub)]

#[path = "support/page.rs"]
mod page;

use std::time::Duration;

use page::{Page, SECOND, id};
use protocol::{
    Control, ResyncReason, State, SubscriberError,
    subscriber::{Config, Credentials, Input, Output, Released},
};

#[test]
fn repeats_are_dropped_and_counted() {
    let mut page = Page::online();
    page.event("e-11");
    page.event("e-11");
    page.event("e-12");
    page.heartbeat("e-12");
    assert_eq!(page.handled(), ["e-11", "e-12"]);
    assert!(matches!(page.client.state(), State::Online { .. }), "three were sent, three arrived");
}

#[test]
fn a_count_that_does_not_match_is_a_resync_and_a_reconnect() {
    let mut page = Page::online();
    page.event("e-11");
    page.sent = 2;
    page.heartbeat("e-13");
    assert_eq!(page.take_resync().1, ResyncReason::CountMismatch);
    assert!(matches!(page.client.state(), State::Reconnecting(_)));
    page.wait();
    assert_eq!(page.opened()[0].cursor, Some(id("e-11")), "the position is not believed");
}

#[test]
fn a_heartbeat_moves_the_cursor_of_a_quiet_client() {
    let mut page = Page::online();
    page.heartbeat("e-500");
    page.end();
    page.wait();
    assert_eq!(page.opened()[0].cursor, Some(id("e-500")));
}

#[test]
fn a_right_that_is_gained_or_lost_is_a_resync_and_the_stream_goes_on() {
    let mut page = Page::online();
    page.write("group: team\nid: e-11\nevent: tidings:unfollowed\ndata: {}\n\n");
    assert_eq!(page.take_resync().1, ResyncReason::Rights);
    page.event("e-12");
    page.write("group: team\nid: e-12\nevent: tidings:gap\ndata: {\"reason\":\"rights\"}\n\n");
    assert_eq!(page.take_resync().1, ResyncReason::Rights);
    assert!(matches!(page.client.state(), State::Online { .. }));
}

#[test]
fn the_gap_frame_moves_the_cursor_and_hello_before_it_does_not() {
    let mut page = Page::online();
    page.end();
    page.wait();
    page.accept();
    page.hello("gap", None);
    page.end();
    page.wait();
    assert_eq!(page.opened().last().expect("tried").cursor, Some(id("e-10")), "cut between hello and gap");
    page.accept();
    page.hello("gap", None);
    page.write("id: f-3\nevent: tidings:gap\ndata: {\"reason\":\"epoch\"}\n\n");
    assert_eq!(page.take_resync().1, ResyncReason::Epoch);
    page.end();
    page.wait();
    assert_eq!(page.opened()[0].cursor, Some(id("f-3")));
}

#[test]
fn events_wait_for_a_resync_and_then_come_in_order() {
    let mut page = Page::online();
    page.write("id: e-20\nevent: tidings:gap\ndata: {\"reason\":\"overflow\"}\n\n");
    let (hold, _) = page.take_resync();
    page.event("e-21");
    page.event("e-22");
    assert_eq!(page.handled(), Vec::<String>::new());
    assert_eq!(page.client.last_event_id(), Some(&id("e-10")), "nothing is handled before the resync");
    page.input(Input::Settled { hold, ok: true });
    assert_eq!(page.handled(), ["e-21", "e-22"]);
    assert_eq!(page.client.last_event_id(), Some(&id("e-22")));
}

#[test]
fn a_resync_that_hangs_is_called_off_and_tried_again_with_twice_the_time() {
    let mut page = Page::online();
    page.write("id: e-20\nevent: tidings:gap\ndata: {\"reason\":\"overflow\"}\n\n");
    let mut allowed = Vec::new();
    for _ in 0..5 {
        let (hold, reason) = page.take_resync();
        assert_eq!(reason, ResyncReason::Overflow);
        let begun = page.now;
        while !page.outputs.contains(&Output::Release { hold, cause: Released::Timeout }) {
            page.pass(SECOND);
            page.heartbeat("e-20");
        }
        allowed.push(page.now.since(begun).as_secs());
        assert!(page.outputs.iter().any(|o| matches!(o, Output::Error(SubscriberError::ResyncTimeout(_)))));
        page.outputs.clear();
        page.event(&format!("e-{}", 30 + allowed.len()));
        assert_eq!(page.handled().len(), 1, "events flow between the tries");
        while !page.outputs.iter().any(|output| matches!(output, Output::Resync { .. })) {
            page.wait();
        }
    }
    assert_eq!(allowed, [10, 20, 40, 60, 60]);
}

#[test]
fn a_thousand_events_call_a_resync_off_and_none_is_lost() {
    let mut page = Page::online();
    page.write("id: e-20\nevent: tidings:gap\ndata: {\"reason\":\"overflow\"}\n\n");
    for n in 0..1_001 {
        page.event(&format!("e-{}", 21 + n));
    }
    assert!(page.outputs.iter().any(|o| matches!(o, Output::Release { cause: Released::Overflow, .. })));
    assert_eq!(page.handled().len(), 1_001);
}

#[test]
fn a_gap_during_a_load_makes_it_run_again() {
    let mut page = Page::online();
    let hold = page.client.hold(page.now).expect("room");
    page.event("e-11");
    assert_eq!(page.handled(), Vec::<String>::new());
    page.write("id: e-20\nevent: tidings:gap\ndata: {\"reason\":\"retention\"}\n\n");
    assert!(page.outputs.contains(&Output::Release { hold, cause: Released::Superseded }));
    let before = page.outputs.iter().position(|o| matches!(o, Output::Event(_)));
    let gap = page.outputs.iter().position(|o| matches!(o, Output::Resync { .. }));
    assert!(before < gap, "what was held is older than what is fetched now");
}

#[test]
fn another_subject_drops_what_was_held_and_resyncs_before_any_event() {
    let mut page = Page::online();
    page.client.hold(page.now).expect("room");
    page.event("e-11");
    page.end();
    page.wait();
    page.accept();
    page.hello_to("berta", "replayed", Some("e-11"));
    page.event("e-12");
    assert_eq!(page.take_resync().1, ResyncReason::IdentityChanged);
    assert_eq!(page.handled(), Vec::<String>::new(), "anna's event is gone, berta's waits");
}

#[test]
fn a_change_of_identity_forgets_the_cursor_and_says_so() {
    let mut page = Page::online();
    page.input(Input::Identity { signed_in: true });
    let attempts = page.opened();
    assert_eq!((attempts.len(), attempts[0].cursor.clone()), (1, None));
    assert_eq!(attempts[0].connection_id, None, "anna's connection is not berta's to continue");
    page.accept();
    page.hello_to("berta", "fresh", Some("e-30"));
    assert_eq!(page.take_resync().1, ResyncReason::IdentityChanged);

    page.input(Input::Identity { signed_in: false });
    assert_eq!(*page.client.state(), State::Idle);
    assert_eq!(page.client.poll_timeout(), None);
    page.opened();
    page.input(Input::Identity { signed_in: true });
    assert_eq!(page.opened().len(), 1);
}

#[test]
fn a_cursor_handed_over_with_the_page_needs_no_resync() {
    let mut page = Page::with(Config::new(Control::parse), Some("e-5"));
    page.input(Input::Connect);
    assert_eq!(page.opened()[0].cursor, Some(id("e-5")));
    page.accept();
    page.hello("replayed", Some("e-5"));
    page.event("e-6");
    assert_eq!(page.handled(), ["e-6"]);
}

#[test]
fn a_server_that_cannot_replay_is_said() {
    let mut page = Page::with(Config::new(Control::parse), Some("e-5"));
    page.input(Input::Connect);
    page.accept();
    page.hello("fresh", Some("e-9"));
    assert_eq!(page.take_resync().1, ResyncReason::NoReplay);
}

#[test]
fn a_suspended_page_lets_go_and_comes_back_with_its_cursor() {
    let mut page = Page::online();
    page.event("e-11");
    page.input(Input::Suspend);
    assert!(page.outputs.iter().any(|output| matches!(output, Output::Abort { .. })));
    assert_eq!(page.client.poll_timeout(), None);
    page.opened();
    page.input(Input::Resume);
    assert!(page.wait() <= Duration::from_millis(300));
    assert_eq!(page.opened()[0].cursor, Some(id("e-11")));
    assert!(matches!(page.client.state(), State::Online { .. }), "quick enough not to be shown");
}

#[test]
fn a_stream_that_does_not_begin_with_hello_is_refused() {
    let mut page = Page::new(Credentials::Ambient);
    page.input(Input::Connect);
    page.accept();
    page.event("e-1");
    assert!(matches!(page.client.state(), State::Reconnecting(_)));
    assert_eq!(page.handled(), Vec::<String>::new());
}

#[test]
fn a_newer_contract_is_told_once_per_revision() {
    let mut page = Page::online();
    let hello = |revision| {
        format!(
            "event: tidings:hello\ndata: {{\"connection_id\":\"c\",\"subject\":\"anna\",\"resumed\":\"replayed\",\
             \"heartbeat_ms\":15000,\"contract\":{{\"revision\":{revision},\"hash\":\"\"}}}}\n\n"
        )
    };
    for revision in [3, 3, 2, 4] {
        page.write(&hello(revision));
    }
    page.outputs.retain(|output| matches!(output, Output::NewerContract { .. }));
    let expected = [3, 4].map(|revision| Output::NewerContract { revision });
    assert_eq!(page.outputs, expected);
}

#[test]
fn what_a_newer_resync_let_out_does_not_come_again_after_a_close() {
    let mut page = Page::online();
    page.client.hold(page.now).expect("room");
    page.event("e-11");
    page.sent = 2;
    page.heartbeat("e-12");
    assert_eq!(page.take_resync().1, ResyncReason::CountMismatch);
    assert_eq!(page.handled(), ["e-11"]);
    page.input(Input::Close);
    page.input(Input::Connect);
    assert_eq!(page.opened()[0].cursor, Some(id("e-11")));
}

#[test]
fn the_id_of_a_block_without_data_moves_the_cursor() {
    let mut page = Page::online();
    page.write("id: e-15\n\n: nothing for you\n\n");
    page.end();
    page.wait();
    assert_eq!(page.opened()[0].cursor, Some(id("e-15")));
}

#[test]
fn the_id_of_a_block_without_data_waits_like_any_other_for_what_is_held() {
    let mut page = Page::online();
    page.client.hold(page.now).expect("room");
    page.event("e-11");
    page.write("id: e-15\n\nevent: changed\ndata: {}\n\n");
    assert_eq!(page.client.last_event_id(), Some(&id("e-10")));
}

#[test]
fn a_gap_whose_reason_is_not_known_is_a_gap_all_the_same() {
    let mut page = Page::online();
    page.write("id: e-20\nevent: tidings:gap\ndata: {\"reason\":\"of a newer server\"}\n\n");
    page.take_resync();
    page.wait();
    assert_eq!(page.opened()[0].cursor, Some(id("e-20")), "or it would meet the same gap for ever");
}

#[test]
fn a_replay_that_nobody_asked_for_is_a_first_hello() {
    let mut page = Page::new(Credentials::Ambient);
    page.input(Input::Connect);
    page.accept();
    page.hello("replayed", Some("e-9"));
    assert_eq!(page.take_resync().1, ResyncReason::Initial);
}

#[test]
fn a_cursor_that_came_with_the_page_while_the_request_was_made_counts_as_sent() {
    let mut page = Page::new(Credentials::Ambient);
    page.input(Input::Connect);
    page.client.start_from(id("e-5"));
    page.accept();
    page.hello("fresh", Some("e-9"));
    assert_eq!(page.take_resync().1, ResyncReason::NoReplay);

    let mut page = Page::new(Credentials::Ambient);
    page.input(Input::Connect);
    page.client.start_from(id("e-5"));
    page.accept();
    page.hello("replayed", Some("e-5"));
    page.event("e-6");
    assert_eq!(page.handled(), ["e-6"], "covered, so nothing is fetched again");
}

#[test]
fn an_event_behind_the_replay_is_live_whatever_run_of_the_server_sent_it() {
    let mut page = Page::online();
    let hello = "event: tidings:hello\ndata: {\"connection_id\":\"c\",\"subject\":\"anna\",\
                 \"resumed\":\"replayed\",\"replay_until\":\"f-12\",\"heartbeat_ms\":15000,\
                 \"contract\":{\"revision\":0,\"hash\":\"\"}}\n\n";
    page.end();
    page.wait();
    page.accept();
    page.write(hello);
    for id in ["e-11", "f-12", "g-13"] {
        page.event(id);
    }
    let replayed = page.outputs.iter().filter_map(|output| match output {
        Output::Event(message) => Some(message.replayed),
        _ => None,
    });
    assert_eq!(replayed.collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn what_was_held_at_a_close_comes_again_from_both_epochs() {
    let mut page = Page::online();
    page.client.hold(page.now).expect("room");
    page.event("e-11");
    page.event("f-12");
    page.input(Input::Close);
    page.input(Input::Connect);
    assert_eq!(page.opened()[0].cursor, Some(id("e-10")));
    page.accept();
    page.hello("replayed", Some("e-10"));
    page.event("e-11");
    page.event("f-12");
    assert_eq!(page.handled(), ["e-11", "f-12"]);
}

#[test]
fn a_resync_that_was_owed_is_paid_once() {
    let mut page = Page::online();
    page.write("id: e-20\nevent: tidings:gap\ndata: {\"reason\":\"overflow\"}\n\n");
    page.input(Input::Close);
    page.opened();
    page.input(Input::Connect);
    for owed in [true, false] {
        page.accept();
        page.hello("replayed", Some("e-20"));
        assert_eq!(page.outputs.iter().any(|output| matches!(output, Output::Resync { .. })), owed);
        if owed {
            let (hold, _) = page.take_resync();
            page.input(Input::Settled { hold, ok: true });
        }
        page.end();
        page.wait();
    }
}

#[test]
fn a_late_repeat_of_an_older_epoch_is_dropped_until_a_gap_begins_anew() {
    let mut page = Page::online();
    for id in ["e-11", "f-12", "e-11"] {
        page.event(id);
    }
    assert_eq!(page.handled(), ["e-11", "f-12"]);
    page.write("id: e-3\nevent: tidings:gap\ndata: {\"reason\":\"epoch\"}\n\n");
    let (hold, _) = page.take_resync();
    page.input(Input::Settled { hold, ok: true });
    page.event("e-4");
    assert_eq!(page.handled(), ["e-4"]);
}

#[test]
fn another_subject_stands_where_its_own_hello_says() {
    let mut page = Page::online();
    page.end();
    page.wait();
    page.accept();
    page.hello_to("berta", "fresh", Some("e-3"));
    let (hold, _) = page.take_resync();
    page.input(Input::Settled { hold, ok: true });
    page.event("e-4");
    assert_eq!(page.handled(), ["e-4"]);
}

#[test]
fn a_mebibyte_of_held_events_calls_a_load_off_and_none_is_lost() {
    let mut page = Page::online();
    let hold = page.client.hold(page.now).expect("room");
    let data = "x".repeat(600 * 1024);
    for id in ["e-11", "e-12"] {
        page.write(&format!("id: {id}\nevent: changed\ndata: {data}\n\n"));
    }
    assert!(page.outputs.contains(&Output::Release { hold, cause: Released::Overflow }));
    assert_eq!(page.handled(), ["e-11", "e-12"]);
}

#[test]
fn loads_that_overlap_for_ever_hold_an_event_for_ten_seconds_and_run_again() {
    let mut page = Page::online();
    let mut running = page.client.hold(page.now).expect("room");
    page.pass(SECOND);
    page.event("e-11");
    for _ in 0..3 {
        let next = page.client.hold(page.now).expect("room");
        page.pass(3 * SECOND);
        page.heartbeat("e-11");
        page.input(Input::Settled { hold: running, ok: true });
        running = next;
    }
    let last = page.client.hold(page.now).expect("room");
    page.event("e-12");
    page.outputs.clear();
    assert_eq!(page.wait(), SECOND, "nine have passed");
    let again = |hold| Output::Release { hold, cause: Released::Superseded };
    assert_eq!(
        page.outputs[..2],
        [again(running), again(last)],
        "both may have read before the second event"
    );
    assert_eq!(page.handled(), ["e-11", "e-12"]);
    assert_eq!(page.client.last_event_id(), Some(&id("e-12")));
}

#[test]
fn a_load_that_follows_a_resync_lets_go_of_an_event_after_ten_seconds_too() {
    let mut page = Page::online();
    page.write("id: e-20\nevent: tidings:gap\ndata: {\"reason\":\"overflow\"}\n\n");
    let (resync, _) = page.take_resync();
    page.event("e-21");
    page.pass(8 * SECOND);
    let load = page.client.hold(page.now).expect("room");
    page.pass(SECOND);
    page.input(Input::Settled { hold: resync, ok: true });
    assert_eq!(page.handled(), Vec::<String>::new(), "the load may have read before it");
    assert_eq!(page.wait(), SECOND);
    assert!(page.outputs.contains(&Output::Release { hold: load, cause: Released::Superseded }));
    assert_eq!(page.handled(), ["e-21"]);
}
