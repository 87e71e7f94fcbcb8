//! Several processes on one PostgreSQL database are one platform.

mod support;

use serde_json::{Value, json};
use support::{On, Process, User};

#[tokio::test]
async fn what_one_instance_changes_is_told_and_ended_by_another() {
    let here = Process::start(On::Postgres).await;
    let there = here.instance().await;
    let (coach, coachee) = (here.log_in("coach").await, here.log_in("coachee").await);
    let elsewhere = User { address: there.address, ..coachee };
    let session = coach.place().await.session;
    let mut stream = elsewhere.stream().await;
    let action = coach.action(&session, "told elsewhere").await;
    assert_eq!(stream.event().await["data"]["action"], action);

    let path = format!("/admin/force_logout/{}", elsewhere.id);
    assert_eq!(coach.send("POST", &path, json!({ "reason": "Lost phone" })).await.status, 200);
    assert_eq!(stream.event().await["data"], json!({ "reason": "Lost phone" }));
    assert_eq!(stream.goodbye().await["reason"], "revoked");
    assert_eq!(elsewhere.send("GET", "/users/me", Value::Null).await.status, 401);
}
