//! What is known across runs beside the window.

use std::time::Duration;

use tidings_server::{
    Revoked,
    protocol::{Limits, Notice, Payload, Time},
    store::{Grant, Lease, Opening, Saved, Store},
};

use crate::{
    place::Durable,
    run::{Run, eventually, notice, opening, said},
};

const WINDOW: Duration = Duration::from_secs(600);

fn grant(user: &str, group: &str) -> Notice {
    Notice::Grant { user: user.to_owned(), group: group.to_owned() }
}

fn withdraw(user: &str, group: &str) -> Notice {
    Notice::Withdraw { user: user.to_owned(), group: group.to_owned() }
}

fn revoke(revoked: &Revoked) -> Notice {
    Notice::Revoke { revoked: revoked.clone(), reason: "test".to_owned() }
}

fn granted(user: &str, group: &str, from: u64) -> Grant {
    Grant { user: user.to_owned(), group: group.to_owned(), from }
}

fn lease(user: &str, until: Option<Time>) -> Lease {
    Lease { user: user.to_owned(), until }
}

fn now() -> Time {
    opening().clock.now()
}

/// Grants that a new run knows, in order.
async fn grants<P: Durable>(place: &P) -> Vec<Grant> {
    let run = Run::open(place).await;
    let mut grants = run.opened.grants.clone();
    run.close().await;
    grants.sort_by(|a, b| (&a.user, &a.group).cmp(&(&b.user, &b.group)));
    grants
}

pub(crate) async fn the_secret_of_the_first_run_stays<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let secret = first.opened.secret.clone().expect("a secret");
    first.kill();
    let offered = opening();
    assert_ne!(offered.secret, secret);
    let run = Run::open_with(&place, offered).await;
    assert_eq!(run.opened.secret, Some(secret));
}

pub(crate) async fn notices_are_entries_of_the_window<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let notices = [
        grant("coach", "team"),
        Notice::Reauthorize { user: "coach".to_owned() },
        withdraw("coach", "team"),
        revoke(&Revoked::Login("stolen".to_owned())),
    ];
    for said in &notices {
        first.send(notice(said.clone())).await;
    }
    first.kill();
    let run = Run::open(&place).await;
    let seen = run.watcher.seen.lock();
    for (entry, expected) in seen.entries.iter().zip(&notices) {
        let Payload::Notice(kept) = &entry.payload else { panic!("a notice, not {entry:?}") };
        assert_eq!((kept, entry.channels.len()), (expected, 1));
        assert!(entry.channels.contains(&expected.channel().expect("a channel")));
    }
    assert_eq!(seen.entries.len(), notices.len());
}

pub(crate) async fn grants_outlive_the_window_until_withdrawn<P: Durable>() {
    let place = P::fresh().await;
    let limits = Limits { count: 2, ..Limits::default() };
    let first = Run::open_with(&place, Opening { limits, ..opening() }).await;
    first.send(notice(grant("coach", "team"))).await;
    first.send(notice(grant("coach", "club"))).await;
    for _ in 0..6 {
        first.say("more").await;
    }
    eventually("the grants' entries are removed", async || place.entries().await <= 2).await;
    first.kill();
    assert_eq!(grants(&place).await, [granted("coach", "club", 2), granted("coach", "team", 1)]);
    let second = Run::open(&place).await;
    second.send(notice(withdraw("coach", "team"))).await;
    second.kill();
    assert_eq!(grants(&place).await, [granted("coach", "club", 2)]);
}

pub(crate) async fn of_grants_that_cross_the_first_stands<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    first.send(notice(grant("coach", "team"))).await;
    first.append(vec![said("2"), notice(grant("coach", "team"))], None).await.expect("sent");
    first.close().await;
    assert_eq!(grants(&place).await, [granted("coach", "team", 1)]);
}

pub(crate) async fn a_grant_that_was_forgotten_begins_anew<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    first.send(notice(grant("coach", "team"))).await;
    first.close().await;
    place.age(WINDOW * 2).await;
    let second = Run::open(&place).await;
    let from = second.send(notice(grant("coach", "team"))).await.sequence();
    second.close().await;
    assert_eq!(grants(&place).await, [granted("coach", "team", from)], "it may have been lost in between");
}

pub(crate) async fn grants_of_who_was_away_for_a_whole_window_are_forgotten<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    for user in ["away", "back", "new"] {
        first.send(notice(grant(user, "team"))).await;
        first.store.lease(vec![lease(user, Some(now() + Duration::from_secs(45)))]).await.expect("stored");
    }
    first.close().await;
    place.age(WINDOW).await;
    let second = Run::open(&place).await;
    second.store.lease(vec![lease("back", Some(now() + Duration::from_secs(45)))]).await.expect("stored");
    second.close().await;
    assert_eq!(grants(&place).await.len(), 3, "the lease went on for 45 s: not a whole window ago");
    place.age(Duration::from_secs(100)).await;
    assert_eq!(grants(&place).await, [granted("back", "team", 2)]);
    place.age(WINDOW).await;
    assert_eq!(grants(&place).await, []);
}

pub(crate) async fn revocations_are_kept_as_long_as_told<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let all = [
        Revoked::User("coach".to_owned()),
        Revoked::Login("stolen".to_owned()),
        Revoked::Connection("c".to_owned()),
    ];
    for revoked in &all {
        first.send(notice(revoke(revoked))).await;
    }
    let at: Vec<_> = first.watcher.seen.lock().entries.iter().map(|entry| entry.at).collect();
    first.kill();
    let second = Run::open(&place).await;
    let mut kept = second.opened.revocations.clone();
    kept.sort_by_key(|(revoked, _)| all.iter().position(|known| known == revoked));
    assert_eq!(kept, all.iter().cloned().zip(at).collect::<Vec<_>>());
    second.close().await;
    place.age(Duration::from_secs(3_500)).await;
    let third = Run::open(&place).await;
    assert_eq!(third.opened.revocations.len(), 3);
    let again = third.send(notice(revoke(&all[0]))).await;
    let at = third.watcher.seen.lock().entries.last().expect("one").at;
    assert!(again.sequence() > 3);
    third.close().await;
    place.age(Duration::from_secs(150)).await;
    let run = Run::open(&place).await;
    assert_eq!(run.opened.revocations.len(), 1, "two are older than an hour");
    let (revoked, since) = &run.opened.revocations[0];
    assert_eq!((revoked, at.since(*since)), (&all[0], Duration::from_secs(150)), "the later one counts");
}

pub(crate) async fn leases_are_loaded_and_those_that_just_ended_too<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let until = now() + Duration::from_secs(45);
    let leases = ["here", "left", "long"].map(|user| lease(user, Some(until))).to_vec();
    assert_eq!(first.store.lease(leases).await.expect("stored"), [true; 3]);
    let left = vec![lease("left", None), lease("here", Some(until + Duration::from_secs(100)))];
    assert_eq!(first.store.lease(left).await.expect("stored").len(), 2);
    first.kill();
    let names = async |by: u64| {
        place.age(Duration::from_secs(by)).await;
        let run = Run::open(&place).await;
        let mut leases = run.opened.leases.clone();
        run.close().await;
        leases.sort_by(|a, b| a.user.cmp(&b.user));
        assert!(leases.iter().all(|lease| lease.until.is_some()), "{leases:?}");
        leases.into_iter().map(|lease| lease.user).collect::<Vec<_>>()
    };
    assert_eq!(names(0).await, ["here", "long"], "who left was told of");
    assert_eq!(names(80).await, ["here", "long"], "35 s ago nobody may have been told");
    assert_eq!(names(40).await, ["here"]);
}

pub(crate) async fn everybody_is_renewed_at_once<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let until = now() + Duration::from_secs(45);
    for until in [until, until + Duration::from_secs(15)] {
        let leases: Vec<_> =
            (0..3_000).map(|n| lease(&format!("user {n} \"o'brien\""), Some(until))).collect();
        // Whether a renewal changes anything is for those to say who share the log with others.
        assert_eq!(first.store.lease(leases).await.expect("stored").len(), 3_000);
    }
    first.kill();
    let run = Run::open(&place).await;
    assert_eq!(run.opened.leases.len(), 3_000);
    // By the store's clock, which is another one where it has its own.
    let renewed = |lease: &Lease| {
        let lasts = lease.until.expect("an end").since(until);
        (Duration::from_secs(10)..Duration::from_secs(20)).contains(&lasts)
    };
    assert!(run.opened.leases.iter().all(renewed));
    assert!(run.opened.leases.iter().any(|lease| lease.user == "user 7 \"o'brien\""));
}

pub(crate) async fn connections_are_expected_back_until_their_time<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let (opened_at, until) = (now(), now() + Duration::from_secs(60));
    let saved = |id: &str, until| Saved {
        id: id.to_owned(),
        user: "coach".to_owned(),
        login: (id == "a").then(|| "laptop".to_owned()),
        opened_at,
        until,
    };
    first.store.save(["a", "b", "c"].map(|id| saved(id, Some(until))).to_vec()).await.expect("saved");
    let later = until + Duration::from_secs(60);
    first.store.save(vec![saved("b", None), saved("c", None), saved("c", Some(later))]).await.expect("saved");
    first.kill();
    let second = Run::open(&place).await;
    let mut connections = second.opened.connections.clone();
    second.close().await;
    connections.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(connections, [saved("a", Some(until)), saved("c", Some(later))]);
    place.age(Duration::from_secs(90)).await;
    let run = Run::open(&place).await;
    let ids: Vec<_> = run.opened.connections.iter().map(|saved| saved.id.as_str()).collect();
    assert_eq!(ids, ["c"]);
}
