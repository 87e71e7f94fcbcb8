//! Several instances on one log.

use std::{sync::Arc, time::Duration};

use tidings_server::{
    Config, Hub,
    protocol::EventId,
    store::{Member, Store},
};
use tokio::task::JoinHandle;

use crate::{
    outage::Stream,
    place::Many,
    run::{Event, Run, eventually, said},
};

/// Who sends until told otherwise, and what of it was answered.
pub(crate) fn keep_sending<S: Store>(
    run: &Run<S>,
    name: &'static str,
    count: usize,
) -> JoinHandle<Vec<(String, EventId)>> {
    let store = Arc::clone(&run.store);
    tokio::spawn(async move {
        let mut sent = Vec::new();
        for n in 0..count {
            let text = format!("{name} {n}");
            if let Ok(appended) = store.append(vec![said(&text)], None).await {
                sent.push((text, appended.ids[0].clone()));
            }
        }
        sent
    })
}

/// All followed the same, without a hole, and in it whatever was answered, once.
pub(crate) async fn check<S: Store>(runs: &[&Run<S>], sent: &[(String, EventId)]) {
    let head = async || {
        let heads = runs.iter().map(|run| run.watcher.seen.lock().entries.len());
        heads.max().expect("some run")
    };
    let most = head().await;
    for run in runs {
        run.watcher.saw(most).await;
    }
    let told = |run: &Run<S>| {
        let seen = run.watcher.seen.lock();
        seen.texts().into_iter().zip(seen.ids()).take(most).collect::<Vec<_>>()
    };
    let first = told(runs[0]);
    for run in &runs[1..] {
        let other = told(run);
        assert!(other == first, "two orders");
    }
    let sequences: Vec<_> = first.iter().map(|(_, id)| id.sequence()).collect();
    assert_eq!(sequences, (1..=most as u64).collect::<Vec<_>>());
    for sent in sent {
        assert_eq!(first.iter().filter(|told| *told == sent).count(), 1, "{sent:?}");
    }
}

pub(crate) async fn three_instances_make_one_order<P: Many>() {
    let place = P::fresh().await;
    let runs = [Run::open(&place).await, Run::open(&place).await, Run::open(&place).await];
    let senders: Vec<_> =
        runs.iter().zip(["a", "b", "c"]).map(|(run, name)| keep_sending(run, name, 60)).collect();
    let mut sent = Vec::new();
    for sender in senders {
        sent.extend(sender.await.expect("it ran"));
    }
    assert_eq!(sent.len(), 180);
    for run in &runs {
        run.watcher.saw(180).await;
    }
    check(&[&runs[0], &runs[1], &runs[2]], &sent).await;
}

pub(crate) async fn instances_know_each_other<P: Many>() {
    let place = P::fresh().await;
    let runs = [Run::open(&place).await, Run::open(&place).await, Run::open(&place).await];
    let own =
        |name: &str, streams| Member { name: name.to_owned(), streams, position: 7, silent: Duration::ZERO };
    let names = async |run: &Run<P::Store>, own: Member| {
        let mut met = run.store.meet(own).await.expect("told");
        met.sort_by(|one, other| one.name.cmp(&other.name));
        met
    };
    for (run, name) in runs.iter().zip(["a", "b", "c d"]) {
        names(run, own(name, 1)).await;
    }
    let met = names(&runs[0], own("a", 2)).await;
    let told: Vec<_> = met.iter().map(|met| (met.name.as_str(), met.streams, met.position)).collect();
    assert_eq!(told, [("a", 2, 7), ("b", 1, 7), ("c d", 1, 7)]);
    assert!(met.iter().all(Member::is_alive), "{met:?}");
    // Two fall silent, one of them for more than a minute.
    place.age_under_way(Duration::from_secs(55)).await;
    names(&runs[1], own("b", 1)).await;
    place.age_under_way(Duration::from_secs(10)).await;
    let met = names(&runs[0], own("a", 2)).await;
    let told: Vec<_> = met.iter().map(|met| (met.name.as_str(), met.is_alive())).collect();
    assert_eq!(told, [("a", true), ("b", false)]);
    assert!(met[1].silent >= Duration::from_secs(10), "{met:?}");
}

pub(crate) async fn hubs_list_each_other<P: Many>() {
    let place = P::fresh().await;
    let start = async |name: &str| {
        let config = Config { instance: Some(name.to_owned()), ..Config::default() };
        Hub::<Event>::start(config, place.store()).await.expect("it starts")
    };
    let (left, right) = (start("left").await, start("right").await);
    let listed = |hub: &Hub<Event>| {
        let alive = hub.members().into_iter().filter(Member::is_alive);
        alive.map(|member| member.name).collect::<Vec<_>>()
    };
    for hub in [&left, &right] {
        eventually("both are listed", async || listed(hub) == ["left", "right"]).await;
    }
    let stream = Stream::open(&right).await;
    let elsewhere = async |hub: &Hub<Event>| {
        let all = hub.connections_elsewhere().await.expect("it knows");
        all.into_iter().map(|one| (one.instance, one.connection.user, one.connection.id)).collect::<Vec<_>>()
    };
    let id = right.connections().iter().next().expect("one").id;
    let on_right = vec![(Some("right".to_owned()), "coach".to_owned(), id)];
    eventually("the other's stream is known", async || elsewhere(&left).await == on_right).await;
    assert_eq!(elsewhere(&right).await, [], "that is its own");
    drop(stream);
    eventually("it has ended", async || elsewhere(&left).await.is_empty()).await;
    right.close().await.expect("it closes");
    eventually("one has left", async || listed(&left) == ["left"]).await;
}

pub(crate) async fn when_an_instance_dies_the_others_go_on<P: Many>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let others = [Run::open(&place).await, Run::open(&place).await];
    let senders: Vec<_> =
        others.iter().zip(["a", "b"]).map(|(run, name)| keep_sending(run, name, 200)).collect();
    others[0].watcher.saw(20).await;
    let from_the_dead = keep_sending(&first, "dead", 1_000);
    first.watcher.saw(60).await;
    let seen = first.watcher.clone();
    from_the_dead.abort();
    first.kill();
    let mut sent = Vec::new();
    for sender in senders {
        sent.extend(sender.await.expect("it ran"));
    }
    assert_eq!(sent.len(), 400, "nobody's send failed");
    check(&[&others[0], &others[1]], &sent).await;
    let told: Vec<_> = seen.seen.lock().ids();
    assert_eq!(
        told[..],
        others[0].watcher.seen.lock().ids()[..told.len()],
        "what the dead one had told stands"
    );
}
