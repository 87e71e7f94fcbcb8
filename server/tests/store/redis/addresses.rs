//! Where the log may be: behind a password, sentinels, in a cluster.

use tidings_server::{Redis, StoreError, store::RedisOptions};

use super::server::{ALWAYS, Server};
use crate::run::{Resumed, Run, eventually, said};

fn store(url: &str) -> Redis {
    Redis::new(url, RedisOptions::default()).expect("a URL")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_password_is_asked_for() {
    let server = Server::start(ALWAYS);
    let address = server.listen();
    let mut set = redis::cmd("ACL");
    set.arg("SETUSER").arg("app").arg("on").arg(">s3cret").arg("~*").arg("&*").arg("+@all");
    set.exec(&mut server.connect()).expect("it is set");
    let run = Run::open_store(store(&format!("redis://app:s3cret@{address}"))).await;
    run.say("1").await;
    let refused = Run::try_open(store(&format!("redis://app:wrong@{address}"))).await;
    assert!(
        matches!(&refused, Err(StoreError::Foreign(said)) if !said.contains("wrong@")),
        "{:?}",
        refused.err()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_user_may_not_ask_is_taken_for_less_safe() {
    let server = Server::start(ALWAYS);
    let mut set = redis::cmd("ACL");
    set.arg("SETUSER").arg("default").arg("-config|get").exec(&mut server.connect()).expect("it is set");
    let run = Run::open_store(store(&server.url())).await;
    let cursor = run.say("1").await;
    server.kill();
    server.resume();
    set.exec(&mut server.connect()).expect("it is set");
    eventually("it is told", async || run.watcher.seen.lock().beginnings.len() == 2).await;
    assert_eq!(run.resume(&cursor).await, Resumed::Epoch);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_there_is_said_in_time() {
    let options = RedisOptions { wait: std::time::Duration::from_millis(300), ..RedisOptions::default() };
    for url in
        ["redis://127.0.0.1:1", "redis+sentinel://127.0.0.1:1/?master=m", "redis+cluster://127.0.0.1:1"]
    {
        let refused = Run::try_open(Redis::new(url, options.clone()).expect("a URL")).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{url}: {:?}", refused.err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sentinels_name_the_primary_also_after_a_fail_over() {
    let (primary, replica) = (Server::start(ALWAYS), Server::start(ALWAYS));
    let (at, other) = (primary.listen(), replica.listen());
    let (host, port) = at.rsplit_once(':').expect("a port");
    redis::cmd("REPLICAOF").arg(host).arg(port).exec(&mut replica.connect()).expect("it follows");
    let sentinel = Server::sentinel(&at);
    let run =
        Run::open_store(store(&format!("redis+sentinel://127.0.0.1:1,{}/?master=mine", sentinel.address())))
            .await;
    let cursor = run.count_to(3).await.pop().expect("three");
    eventually("the sentinel knows the replica", async || sentinel.knows_a_replica()).await;
    primary.kill();
    eventually("it is told", async || run.watcher.seen.lock().beginnings.len() == 2).await;
    assert_eq!(run.resume(&cursor).await, Resumed::Epoch);
    eventually("it sends again", async || run.append(vec![said("new")], None).await.is_ok()).await;
    let role: Vec<redis::Value> = redis::cmd("ROLE").query(&mut replica.connect()).expect("a role");
    assert_eq!(role[0], redis::Value::BulkString(b"master".to_vec()), "{other} is the primary now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_is_asked_for_the_node_that_has_our_slot() {
    let (ours, meeting) = Server::of_cluster();
    let (theirs, [_, seed, _]) = Server::of_cluster();
    let slot: u16 =
        redis::cmd("CLUSTER").arg("KEYSLOT").arg("{tidings}").query(&mut ours.connect()).expect("a slot");
    let take = |server: &Server, ranges: &[(u16, u16)]| {
        let mut take = redis::cmd("CLUSTER");
        take.arg("ADDSLOTSRANGE").arg(ranges).exec(&mut server.connect()).expect("they are free");
    };
    take(&ours, &[(slot, slot)]);
    take(&theirs, &[(0, slot - 1), (slot + 1, 16_383)]);
    redis::cmd("CLUSTER").arg("MEET").arg(&meeting).exec(&mut theirs.connect()).expect("they meet");
    let knows = |server: &Server| {
        let info: String = redis::cmd("CLUSTER").arg("INFO").query(&mut server.connect()).expect("it says");
        info.contains("cluster_state:ok")
    };
    eventually("they know each other", async || knows(&ours) && knows(&theirs)).await;
    let url = format!("redis+cluster://127.0.0.1:{seed}");
    let (run, other) = (Run::open_store(store(&url)).await, Run::open_store(store(&url)).await);
    run.append(vec![said("1"), said("2")], None).await.expect("sent");
    other.watcher.saw(2).await;
    let kept: u64 = redis::cmd("XLEN").arg("{tidings}:log").query(&mut ours.connect()).expect("a count");
    assert_eq!(kept, 2);
    // A restart of the node is one of a cluster too.
    ours.kill();
    ours.resume();
    assert_eq!(run.say("3").await.sequence(), 3);
    other.watcher.saw(3).await;
}
