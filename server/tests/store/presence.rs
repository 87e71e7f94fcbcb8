//! Who is here, over several instances, and how many streams a person may have over all of them.

use std::{pin::Pin, sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody},
    http::{Request, StatusCode, request::Parts},
    response::Response,
};
use tidings_server::{
    Config, Hub, Identity, Presence, PresenceChange, PresenceChanges, router,
    store::{Lease, Member, Store},
};
use tower_service::Service as _;

use crate::{
    place::Many,
    run::{Event, PATIENCE, Run, eventually, here, left, opening},
};

const LEASE: Duration = Duration::from_secs(45);

/// Longer than a lease lasts.
const A_MINUTE: Duration = Duration::from_secs(60);

fn change(user: &str, presence: Presence) -> PresenceChange {
    PresenceChange { user: user.to_owned(), presence }
}

async fn tell<S: Store>(run: &Run<S>, lease: Lease) -> Vec<PresenceChange> {
    run.store.lease(vec![lease]).await.expect("stored")
}

async fn look<S: Store>(run: &Run<S>) -> Vec<PresenceChange> {
    run.store.lease(Vec::new()).await.expect("an answer")
}

async fn presence<S: Store>(run: &Run<S>) -> Presence {
    run.store.presence("coach").await.expect("an answer")
}

async fn meet<S: Store>(run: &Run<S>) {
    let own = Member { name: String::new(), streams: 0, position: 0, silent: Duration::ZERO };
    run.store.meet(own).await.expect("it is told");
}

/// What an instance says of a user that was lost a moment ago.
fn lost() -> Lease {
    let until = opening().clock.now() + Duration::from_secs(8);
    Lease { user: "coach".to_owned(), presence: Presence::Reconnecting, until }
}

pub(crate) async fn of_several_instances_each_change_is_told_once<P: Many>() {
    let place = P::fresh().await;
    let (a, b) = (Run::open(&place).await, Run::open(&place).await);
    meet(&a).await;
    meet(&b).await;
    assert_eq!(presence(&a).await, Presence::Offline);
    assert_eq!(tell(&a, here("coach", LEASE)).await, [change("coach", Presence::Online)]);
    assert_eq!(presence(&b).await, Presence::Online);
    assert_eq!(tell(&b, here("coach", LEASE)).await, [], "here already");
    assert_eq!(tell(&a, lost()).await, [], "and still there");
    assert_eq!(tell(&a, left("coach")).await, []);
    assert_eq!(tell(&b, lost()).await, [change("coach", Presence::Reconnecting)]);
    assert_eq!(presence(&a).await, Presence::Reconnecting);
    assert_eq!(tell(&a, here("coach", LEASE)).await, [change("coach", Presence::Online)], "back elsewhere");
    assert_eq!(tell(&b, left("coach")).await, []);
    assert_eq!(tell(&a, left("coach")).await, [change("coach", Presence::Offline)]);
    assert_eq!(tell(&a, left("coach")).await, [], "that was told");
    assert_eq!(presence(&b).await, Presence::Offline);
    for round in 0..20 {
        let user = format!("user {round}");
        let (first, second) = tokio::join!(tell(&a, here(&user, LEASE)), tell(&b, here(&user, LEASE)));
        assert_eq!(first.len() + second.len(), 1, "round {round}");
    }
}

pub(crate) async fn of_whom_an_instance_had_that_died_another_tells_in_time<P: Many>() {
    let place = P::fresh().await;
    let (a, b) = (Run::open(&place).await, Run::open(&place).await);
    tell(&a, here("coach", LEASE)).await;
    tell(&a, here("coachee", LEASE)).await;
    look(&a).await;
    a.kill();
    place.age_under_way(Duration::from_secs(30)).await;
    assert_eq!(look(&b).await, [], "the lease goes on");
    assert_eq!(presence(&b).await, Presence::Online);
    place.age_under_way(Duration::from_secs(8)).await;
    assert_eq!(presence(&b).await, Presence::Reconnecting, "10 s before its end, told or not");
    let told = |presence| {
        let mut told = vec![change("coach", presence), change("coachee", presence)];
        told.sort_by(|one, other| one.user.cmp(&other.user));
        told
    };
    let looked = async || {
        let mut changes = look(&b).await;
        changes.sort_by(|one, other| one.user.cmp(&other.user));
        changes
    };
    assert_eq!(looked().await, told(Presence::Reconnecting));
    assert_eq!(looked().await, []);
    place.age_under_way(Duration::from_secs(10)).await;
    assert_eq!(looked().await, told(Presence::Offline));
    assert_eq!(looked().await, []);
}

pub(crate) async fn a_change_that_nobody_received_is_told_by_another<P: Many>() {
    let place = P::fresh().await;
    let (a, b) = (Run::open(&place).await, Run::open(&place).await);
    assert_eq!(tell(&a, here("coach", LEASE)).await.len(), 1);
    a.kill();
    assert_eq!(look(&b).await, [], "it may be about to tell");
    place.age_under_way(Duration::from_secs(6)).await;
    assert_eq!(look(&b).await, [change("coach", Presence::Online)]);
    assert_eq!(look(&b).await, []);
    place.age_under_way(Duration::from_secs(6)).await;
    assert_eq!(look(&b).await, [], "and once is enough");
}

pub(crate) async fn nobody_has_left_because_nobody_could_look<P: Many>() {
    let place = P::fresh().await;
    let (a, b) = (Run::open(&place).await, Run::open(&place).await);
    tell(&a, here("coach", LEASE)).await;
    tell(&b, here("coachee", LEASE)).await;
    tell(&a, Lease { user: "away".to_owned(), ..lost() }).await;
    look(&a).await;
    look(&b).await;
    place.age_under_way(A_MINUTE).await;
    place.forget_looks(A_MINUTE).await;
    assert_eq!(presence(&b).await, Presence::Online, "as after an hour without a store");
    assert_eq!(look(&b).await, [], "nor has whoever was about to come back");
    assert_eq!(b.store.presence("away").await.expect("an answer"), Presence::Reconnecting);
    assert_eq!(tell(&b, left("coachee")).await, [change("coachee", Presence::Offline)], "who leaves, leaves");
    assert_eq!(presence(&b).await, Presence::Online);
    place.pardon_less(A_MINUTE).await;
    place.age_under_way(A_MINUTE).await;
    let mut changes = look(&b).await;
    changes.sort_by(|one, other| one.user.cmp(&other.user));
    assert_eq!(changes, [change("away", Presence::Offline), change("coach", Presence::Offline)]);
}

pub(crate) async fn a_question_that_comes_late_is_not_heard<P: Many>() {
    let place = P::fresh().await;
    let first = opening();
    let instance = first.epoch.as_str().to_owned();
    let a = Run::open_with(&place, first).await;
    assert_eq!(tell(&a, here("coach", LEASE)).await.len(), 1);
    look(&a).await;
    assert_eq!(place.says_again_that_left(&instance, 1, "coach").await, 0, "no change is answered");
    assert_eq!(presence(&a).await, Presence::Online);
    assert_eq!(look(&a).await, []);
    assert_eq!(place.says_again_that_left(&instance, 100, "coach").await, 1, "it would have been one");
}

pub(crate) async fn whoever_is_handed_over_is_here_until_another_has_them<P: Many>() {
    let place = P::fresh().await;
    let (a, b) = (Run::open(&place).await, Run::open(&place).await);
    meet(&a).await;
    meet(&b).await;
    for user in ["coach", "coachee"] {
        tell(&a, here(user, LEASE)).await;
    }
    tell(&b, here("coachee", LEASE)).await;
    look(&a).await;
    let both = vec![here("coach", LEASE), here("coachee", LEASE)];
    a.store.hand_over(both).await.expect("it is told");
    a.close().await;
    place.age_under_way(Duration::from_secs(20)).await;
    meet(&b).await;
    assert_eq!(look(&b).await, []);
    assert_eq!(presence(&b).await, Presence::Online, "expected back");
    assert_eq!(tell(&b, here("coach", LEASE)).await, []);
    for user in ["coach", "coachee"] {
        assert_eq!(tell(&b, left(user)).await, [change(user, Presence::Offline)], "and had come already");
    }
}

pub(crate) async fn the_word_of_an_instance_that_is_gone_ends_when_its_user_comes_and_goes<P: Many>() {
    let place = P::fresh().await;
    let (a, b) = (Run::open(&place).await, Run::open(&place).await);
    meet(&a).await;
    meet(&b).await;
    tell(&a, here("coach", LEASE)).await;
    look(&a).await;
    a.kill();
    assert_eq!(tell(&b, here("coach", LEASE)).await, [], "at once, when nobody can know that it is gone");
    place.age_under_way(Duration::from_secs(7)).await;
    meet(&b).await;
    assert_eq!(tell(&b, lost()).await, [change("coach", Presence::Reconnecting)]);
    assert_eq!(tell(&b, left("coach")).await, [change("coach", Presence::Offline)]);
}

async fn start<P: Many>(place: &P) -> Hub<Event> {
    let config = Config { leave_grace: Duration::from_secs(1), connections_per_user: 3, ..Config::default() };
    Hub::start(config, place.store()).await.expect("it starts")
}

async fn ask(hub: &Hub<Event>, query: &str) -> Response {
    let mut app = router(hub, |_: Arc<Parts>| async { Ok(Identity::user("coach")) });
    let request = Request::get(format!("/?tidings=1{query}")).body(Body::empty()).expect("a request");
    app.call(request).await.expect("infallible")
}

async fn open(hub: &Hub<Event>, query: &str) -> (Body, String) {
    let response = ask(hub, query).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
    let bytes = frame.expect("it goes on").expect("it does not fail").into_data().expect("data");
    let hello = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let id = hello.split("\"connection_id\":\"").nth(1).and_then(|rest| rest.split('"').next());
    (body, id.expect("an id").to_owned())
}

/// The next change that either of two hubs has to tell.
async fn next(of_a: &mut PresenceChanges, of_b: &mut PresenceChanges) -> PresenceChange {
    let change = async {
        tokio::select! {
            change = of_a.recv() => change,
            change = of_b.recv() => change,
        }
    };
    tokio::time::timeout(PATIENCE, change).await.expect("in time").expect("a change")
}

pub(crate) async fn hubs_say_one_word_of_a_user<P: Many>() {
    let place = P::fresh().await;
    let (a, b) = (start(&place).await, start(&place).await);
    let (of_a, of_b) = (&mut a.presence_changes(), &mut b.presence_changes());
    let (stream, _) = open(&a, "").await;
    assert_eq!(next(of_a, of_b).await, change("coach", Presence::Online));
    assert_eq!(b.presence("coach").await.expect("an answer"), Presence::Online);
    let (elsewhere, _) = open(&b, "").await;
    eventually("it is open", async || b.connections().len() == 1).await;
    drop(stream);
    eventually("its hub has nobody", async || a.connections().is_empty()).await;
    drop(elsewhere);
    // That nothing was told of the move is seen by what comes first.
    assert_eq!(next(of_a, of_b).await, change("coach", Presence::Reconnecting));
    assert_eq!(next(of_a, of_b).await, change("coach", Presence::Offline));
    assert_eq!(a.presence("coach").await.expect("an answer"), Presence::Offline);
    let (_stream, _) = open(&a, "").await;
    assert_eq!(next(of_a, of_b).await, change("coach", Presence::Online));
}

pub(crate) async fn a_person_has_so_many_streams_over_all_instances<P: Many>() {
    let place = P::fresh().await;
    let (a, b) = (start(&place).await, start(&place).await);
    let (first, id) = open(&a, "").await;
    let _second = open(&a, "").await;
    let _third = open(&b, "").await;
    let elsewhere = async |hub: &Hub<Event>| hub.connections_elsewhere().await.expect("an answer").len();
    eventually("they know of each other", async || {
        elsewhere(&a).await == 1 && elsewhere(&b).await == 2 && b.members().len() == 2
    })
    .await;
    for hub in [&a, &b] {
        assert_eq!(ask(hub, "").await.status(), StatusCode::TOO_MANY_REQUESTS);
    }
    // Whoever comes back has a place, on whichever instance, and before anybody has heard that the old one ended.
    let (_back, _) = open(&b, &format!("&connection={id}")).await;
    assert_eq!(ask(&b, "").await.status(), StatusCode::TOO_MANY_REQUESTS);
    drop(first);
    eventually("it has ended", async || a.connections().len() == 1).await;
    eventually("that is known", async || elsewhere(&b).await == 1 && elsewhere(&a).await == 2).await;
    assert_eq!(ask(&a, "").await.status(), StatusCode::TOO_MANY_REQUESTS, "two there and one here");
    b.close().await.expect("it ends");
    eventually("those of an instance that ended are none", async || {
        let response = ask(&a, "").await;
        response.status() == StatusCode::OK
    })
    .await;
}

pub(crate) async fn whom_a_drain_sent_elsewhere_may_leave_there<P: Many>() {
    let place = P::fresh().await;
    let (a, b) = (start(&place).await, start(&place).await);
    let (of_a, of_b) = (&mut a.presence_changes(), &mut b.presence_changes());
    let (mut stream, _) = open(&a, "").await;
    assert_eq!(next(of_a, of_b).await, change("coach", Presence::Online));
    let drained = tokio::spawn({
        let a = a.clone();
        async move { a.drain().await }
    });
    while std::future::poll_fn(|cx| Pin::new(&mut stream).poll_frame(cx)).await.is_some() {}
    drop(stream);
    let (elsewhere, _) = open(&b, "").await;
    eventually("it has come", async || b.connections().len() == 1).await;
    drop(elsewhere);
    // The one that drains has not ended yet.
    assert_eq!(next(of_a, of_b).await, change("coach", Presence::Reconnecting));
    assert_eq!(next(of_a, of_b).await, change("coach", Presence::Offline));
    assert_eq!(a.presence("coach").await.expect("an answer"), Presence::Offline);
    drained.await.expect("it ends");
}

pub(crate) async fn what_others_have_open_outlives_the_start_of_an_instance<P: Many>() {
    let place = P::fresh().await;
    let b = start(&place).await;
    let _stream = open(&b, "").await;
    let lease = Duration::from_secs(1);
    let config = Config { presence_lease: lease, ..Config::default() };
    eventually("it is saved", async || place.others().await >= 2).await;
    let a = Hub::<Event>::start(config, place.store()).await.expect("it starts");
    assert_eq!(a.connections().expected().len(), 1, "for all that it knows");
    eventually("nobody is expected", async || a.connections().expected().is_empty()).await;
    // Whatever is to be said of it is said once what comes later is known.
    let _other = open(&a, "").await;
    eventually("that is saved", async || b.connections_elsewhere().await.expect("an answer").len() == 1)
        .await;
    assert_eq!(a.connections_elsewhere().await.expect("an answer").len(), 1, "it is open");
}
