//! What a subscriber makes of each answer, silence, wake-up and goodbye.
#![allow(missing_docs)]

use std::time::Duration;

use protocol::{
    Closed, Control, EventId, ResyncReason, State, SubscriberError, Time,
    subscriber::{Attempt, Config, Credentials, Head, HoldId, Input, Output, Released, Subscriber},
};

const SECOND: Duration = Duration::from_secs(1);

/// A subscriber, its clock, and what it has put out and not yet been asked about.
struct Page {
    client: Subscriber,
    now: Time,
    outputs: Vec<Output>,
    attempt: u64,
    /// App events written on this connection.
    sent: u64,
}

impl Page {
    fn new(credentials: Credentials) -> Self {
        Self::with(Config { credentials, ..Config::new(Control::parse) }, None)
    }

    fn with(config: Config, from: Option<&str>) -> Self {
        let from = from.map(|id| id.parse().expect("an id"));
        let client = Subscriber::new(config, from, 42);
        Self { client, now: Time::from_millis(1_000_000), outputs: Vec::new(), attempt: 0, sent: 0 }
    }

    fn online() -> Self {
        let mut page = Self::new(Credentials::Ambient);
        page.input(Input::Connect);
        page.accept();
        page.hello("fresh", Some("e-10"));
        let (hold, reason) = page.take_resync();
        assert_eq!(reason, ResyncReason::Initial);
        page.input(Input::Settled { hold, ok: true });
        page.outputs.clear();
        page
    }

    fn input(&mut self, input: Input<'_>) {
        self.client.handle(input, self.now);
        while let Some(output) = self.client.poll() {
            if let Output::Open(Attempt { number, .. }) = &output {
                self.attempt = *number;
                self.sent = 0;
            }
            self.outputs.push(output);
        }
    }

    fn head(&mut self, status: u16, content_type: &'static str, retry_after: Option<Duration>) {
        let head = Head { status, content_type: Some(content_type), retry_after };
        self.input(Input::Head { attempt: self.attempt, head });
    }

    fn accept(&mut self) {
        self.head(200, "text/event-stream; charset=utf-8", None);
    }

    fn write(&mut self, text: &str) {
        self.input(Input::Bytes { attempt: self.attempt, bytes: text.as_bytes() });
    }

    fn hello(&mut self, resumed: &str, id: Option<&str>) {
        self.hello_to("anna", resumed, id);
    }

    fn hello_to(&mut self, subject: &str, resumed: &str, id: Option<&str>) {
        let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
        self.write(&format!(
            "{id}event: tidings:hello\ndata: {{\"connection_id\":\"c\",\"subject\":\"{subject}\",\
             \"resumed\":\"{resumed}\",\"heartbeat_ms\":15000,\"contract\":{{\"revision\":0,\"hash\":\"\"}}}}\n\n"
        ));
    }

    fn event(&mut self, id: &str) {
        self.sent += 1;
        self.write(&format!("id: {id}\nevent: changed\ndata: {{}}\n\n"));
    }

    fn heartbeat(&mut self, id: &str) {
        let sent = self.sent;
        self.write(&format!("id: {id}\nevent: tidings:heartbeat\ndata: {{\"sent\":{sent}}}\n\n"));
    }

    fn goodbye(&mut self, reason: &str, after: &str) {
        let data = format!(r#"{{"reason":"{reason}","reconnect_after_ms":{after}}}"#);
        self.write(&format!("event: tidings:goodbye\ndata: {data}\n\n"));
    }

    fn end(&mut self) {
        self.input(Input::End { attempt: self.attempt });
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.input(Input::Timeout);
    }

    /// Waits exactly until the next deadline, and returns how long that was.
    fn wait(&mut self) -> Duration {
        let at = self.client.poll_timeout().expect("something is waited for");
        let waited = at.since(self.now);
        self.pass(waited);
        waited
    }

    fn take_resync(&mut self) -> (HoldId, ResyncReason) {
        let place = self.outputs.iter().position(|output| matches!(output, Output::Resync { .. }));
        match self.outputs.remove(place.expect("a resync")) {
            Output::Resync { hold, reason } => (hold, reason),
            _ => unreachable!("found above"),
        }
    }

    fn opened(&mut self) -> Vec<Attempt> {
        let outputs = std::mem::take(&mut self.outputs);
        outputs
            .into_iter()
            .filter_map(|output| match output {
                Output::Open(attempt) => Some(attempt),
                _ => None,
            })
            .collect()
    }

    fn handled(&mut self) -> Vec<String> {
        let outputs = std::mem::take(&mut self.outputs);
        outputs
            .into_iter()
            .filter_map(|output| match output {
                Output::Event(message) => message.id.map(|id| id.to_string()),
                _ => None,
            })
            .collect()
    }
}

fn id(text: &str) -> EventId {
    text.parse().expect("an id")
}

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
    assert_eq!(outage.reason, SubscriberError::IdleTimeout(Duration::from_millis(37_500)));
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
