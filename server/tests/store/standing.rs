//! What is known across runs beside the window.

use std::time::Duration;

use tidings_server::{
    Presence, PresenceChange, Revoked,
    protocol::{Limits, Notice, Payload, Time},
    store::{Grant, Lease, Opening, Saved, Store},
};

use crate::{
    place::Durable,
    run::{Run, eventually, here, left, notice, opening, said},
};

const WINDOW: Duration = Duration::from_secs(600);
const LEASE: Duration = Duration::from_secs(45);

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
    for _ in 0..2 {
        let offered = opening();
        assert_ne!(offered.secret, secret);
        let run = Run::open_with(&place, offered).await;
        assert_eq!(run.opened.secret.as_ref(), Some(&secret));
    }
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
        first.store.lease(vec![here(user, LEASE)]).await.expect("stored");
    }
    first.close().await;
    place.age(WINDOW).await;
    let second = Run::open(&place).await;
    second.store.lease(vec![here("back", LEASE)]).await.expect("stored");
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

/// Who is here, of `users`, as a new run finds it: told of at its start, or known to a store that others share.
async fn found<P: Durable>(place: &P, users: &[&str]) -> Vec<String> {
    let run = Run::open(place).await;
    let mut found = Vec::new();
    for user in users {
        // Where no other instance can have told of it, one that left a moment ago comes as such.
        let is_told = |lease: &Lease| lease.user == *user && lease.presence != Presence::Offline;
        let known = run.store.presence(user).await.expect("an answer");
        if known == Presence::Online || run.opened.leases.iter().any(is_told) {
            found.push((*user).to_owned());
        }
    }
    run.close().await;
    found
}

pub(crate) async fn who_was_here_is_however_long_nobody_was_there_to_tell_of_the_end<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let users = ["here", "left", "long"];
    let change = |user: &str, presence| PresenceChange { user: user.to_owned(), presence };
    let mut changes = first.store.lease(users.map(|user| here(user, LEASE)).to_vec()).await.expect("stored");
    changes.sort_by(|a, b| a.user.cmp(&b.user));
    assert_eq!(changes, users.map(|user| change(user, Presence::Online)));
    let later = vec![left("left"), here("here", LEASE * 3)];
    assert_eq!(first.store.lease(later).await.expect("stored"), [change("left", Presence::Offline)]);
    first.kill();
    for by in [0, 80, 300] {
        place.age(Duration::from_secs(by)).await;
        assert_eq!(found(&place, &users).await, ["here", "long"], "{by} s later; who left was told of");
    }
}

pub(crate) async fn everybody_is_renewed_at_once<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let names: Vec<_> = (0..3_000).map(|n| format!("user {n} \"o'brien\"")).collect();
    for (lasts, changed) in [(LEASE, 3_000), (LEASE * 2, 0)] {
        let leases = names.iter().map(|name| here(name, lasts)).collect();
        assert_eq!(first.store.lease(leases).await.expect("stored").len(), changed);
    }
    first.kill();
    let some: Vec<_> = names.iter().step_by(200).map(String::as_str).collect();
    assert_eq!(found(&place, &some).await, some);
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
