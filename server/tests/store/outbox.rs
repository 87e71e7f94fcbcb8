//! Events that are part of the app's own transactions.

use tidings_server::{
    Revoked,
    protocol::{Notice, Payload},
    store::{Outbox, Store},
};

use crate::{
    place::Shared,
    run::{GLANCE, Run, eventually, notice, said, typing},
};

type Store_<P> = <P as crate::place::Place>::Store;

async fn enqueue<P: Shared>(
    run: &Run<Store_<P>>,
    connection: &mut <Store_<P> as Outbox>::Connection,
    text: &str,
) {
    run.store.enqueue(connection, said(text)).await.expect("enqueued");
}

pub(crate) async fn a_committed_event_is_sent_once<P: Shared>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    let mut app = place.connect().await;
    P::begin(&mut app).await;
    enqueue::<P>(&run, &mut app, "1").await;
    enqueue::<P>(&run, &mut app, "2").await;
    tokio::time::sleep(GLANCE).await;
    assert_eq!(run.watcher.seen.lock().texts(), [""; 0], "not before the commit");
    P::commit(&mut app).await;
    run.watcher.saw(2).await;
    run.say("3").await;
    run.kill();
    let run = Run::open(&place).await;
    run.say("4").await;
    let seen = run.watcher.seen.lock();
    assert_eq!(
        (seen.texts(), seen.sequences()),
        (["1", "2", "3", "4"].map(str::to_owned).to_vec(), vec![1, 2, 3, 4])
    );
}

pub(crate) async fn an_event_rolled_back_is_never_sent<P: Shared>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    let mut app = place.connect().await;
    P::begin(&mut app).await;
    enqueue::<P>(&run, &mut app, "never").await;
    P::roll_back(&mut app).await;
    // Where a row is given the number of the one that was rolled back.
    P::begin(&mut app).await;
    enqueue::<P>(&run, &mut app, "1").await;
    P::commit(&mut app).await;
    run.watcher.saw(1).await;
    P::begin(&mut app).await;
    enqueue::<P>(&run, &mut app, "never").await;
    drop(app);
    eventually("the lost transaction lets go", async || run.append(vec![said("2")], None).await.is_ok())
        .await;
    assert_eq!(run.watcher.seen.lock().texts(), ["1", "2"]);
}

pub(crate) async fn a_later_transaction_has_the_later_id<P: Shared>() {
    const TRANSACTIONS: usize = 40;
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    let mut expected = Vec::new();
    let mut connections = [place.connect().await, place.connect().await];
    for n in 0..TRANSACTIONS {
        let app = &mut connections[n % 2];
        P::begin(app).await;
        enqueue::<P>(&run, app, &n.to_string()).await;
        P::commit(app).await;
        expected.push(n.to_string());
    }
    run.watcher.saw(TRANSACTIONS).await;
    assert_eq!(run.watcher.seen.lock().texts(), expected);
}

pub(crate) async fn a_send_after_a_commit_has_the_later_id<P: Shared>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    let mut app = place.connect().await;
    let mut expected = Vec::new();
    for n in 0..20 {
        P::begin(&mut app).await;
        enqueue::<P>(&run, &mut app, &format!("{n} in")).await;
        P::commit(&mut app).await;
        run.say(&format!("{n} after")).await;
        expected.extend([format!("{n} in"), format!("{n} after")]);
    }
    assert_eq!(run.watcher.seen.lock().texts(), expected);
}

pub(crate) async fn a_send_comes_behind_all_that_was_committed_before_it<P: Shared>() {
    // More than one step moves.
    const WAITING: u64 = 1_500;
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    let mut app = place.connect().await;
    run.watcher.hold_back(1);
    let first = run.spawn(vec![said("first")], None);
    eventually("nothing is moved meanwhile", async || run.watcher.waits()).await;
    P::begin(&mut app).await;
    for n in 0..WAITING {
        enqueue::<P>(&run, &mut app, &n.to_string()).await;
    }
    P::commit(&mut app).await;
    let mut last = run.spawn(vec![said("last")], None);
    let early = tokio::time::timeout(GLANCE, &mut last).await;
    assert!(early.is_err(), "it came before what is held back: {early:?}");
    run.watcher.let_go();
    first.await.expect("it ran").expect("sent");
    assert_eq!(last.await.expect("it ran").expect("sent").ids, [run.epoch.at(1 + WAITING + 1)]);
}

pub(crate) async fn an_event_committed_without_a_run_is_sent_by_the_next<P: Shared>() {
    let place = P::fresh().await;
    Run::open(&place).await.close().await;
    let publisher = place.store();
    let mut app = place.connect().await;
    P::begin(&mut app).await;
    for n in 0..1_500 {
        publisher.enqueue(&mut app, said(&n.to_string())).await.expect("enqueued");
    }
    P::commit(&mut app).await;
    let run = Run::open(&place).await;
    // Behind all of them, however many there are.
    let id = run.say("last").await;
    assert_eq!(id, run.epoch.at(1_501));
    run.watcher.saw(1_501).await;
    assert_eq!(run.watcher.seen.lock().texts()[1_499..], ["1499", "last"]);
    // And of a process that only publishes, while the run is open.
    P::begin(&mut app).await;
    publisher.enqueue(&mut app, said("from elsewhere")).await.expect("enqueued");
    P::commit(&mut app).await;
    run.watcher.saw(1_502).await;
    assert!(publisher.append(vec![said("no")], None).await.is_err(), "it has no run");
}

pub(crate) async fn a_transaction_holds_back_no_more_than_itself<P: Shared>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    let mut app = place.connect().await;
    P::begin(&mut app).await;
    enqueue::<P>(&run, &mut app, "1").await;
    let mut behind = run.spawn(vec![said("2")], None);
    // Where databases have one writer it waits, elsewhere it goes ahead; either way nobody is stuck.
    let _ = tokio::time::timeout(GLANCE, &mut behind).await;
    P::commit(&mut app).await;
    if !behind.is_finished() {
        behind.await.expect("it ran").expect("sent");
    }
    run.watcher.saw(2).await;
    let mut texts = run.watcher.seen.lock().texts();
    texts.sort();
    assert_eq!(texts, ["1", "2"]);
}

pub(crate) async fn notices_and_live_only_events_take_part<P: Shared>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    let mut app = place.connect().await;
    let revoked = Revoked::Login("stolen".to_owned());
    P::begin(&mut app).await;
    let revoke = Notice::Revoke { revoked: revoked.clone(), reason: String::new() };
    run.store.enqueue(&mut app, notice(revoke)).await.expect("enqueued");
    run.store.enqueue(&mut app, typing("2")).await.expect("enqueued");
    P::commit(&mut app).await;
    run.watcher.saw(2).await;
    assert_eq!(run.watcher.seen.lock().texts(), ["-", "2"]);
    run.kill();
    let run = Run::open(&place).await;
    assert_eq!(run.opened.revocations.len(), 1);
    assert_eq!(run.opened.revocations[0].0, revoked);
    assert!(matches!(run.watcher.seen.lock().entries[1].payload, Payload::Past));
}
