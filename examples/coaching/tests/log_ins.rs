//! Log-ins are kept over a restart, and no stream outlives the log-in it was opened with.

#[macro_use]
mod support;

use serde_json::{Value, json};
use support::{FORM, On, Server, Stream, raw};

on_both! {
    logging_in_answers_the_person_and_sets_the_cookie,
    logging_out_ends_the_streams_of_this_log_in_alone,
    logging_in_again_keeps_the_log_in_and_its_streams,
    another_person_on_the_same_cookie_ends_the_log_in_before,
    a_forced_logout_is_the_last_thing_a_person_hears,
    a_page_of_another_site_logs_nobody_in,
    the_stream_reads_the_same_cookie_as_every_other_route,
}

async fn logging_in_answers_the_person_and_sets_the_cookie(on: On) {
    let server = Server::on(on).await;
    let form = "email=Coach%40Example.com&password=coach-password";
    let reply = raw(server.address, "POST", "/login", &[FORM], form).await;
    let data = reply.data();
    assert_eq!((&data["email"], &data["role"]), (&json!("coach@example.com"), &json!("coach")));
    assert_eq!(data.get("password_hash"), None);
    let cookie = reply.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("id="), "{cookie}");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.split("; ").any(|part| part == attribute), "{attribute} in {cookie}");
    }
    let coach = server.log_in("coach").await;
    assert_eq!(coach.get("/users/me").await.data(), data);
}

#[tokio::test]
async fn what_the_database_file_says_is_enough_for_nobody_to_log_in() {
    let server = Server::start().await;
    let coach = server.log_in("coach").await;
    let mut file = std::fs::read(server.database()).expect("the file");
    file.extend(std::fs::read(server.database().with_extension("sqlite-wal")).expect("its journal"));
    let holds = |text: &str| file.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds(&coach.id), "the file is the one");
    let secret = coach.cookie.split_once('=').expect("a pair").1;
    for secret in [secret, "coach-password", "admin-password"] {
        assert!(!holds(secret), "{secret}");
    }
}

async fn logging_out_ends_the_streams_of_this_log_in_alone(on: On) {
    let server = Server::on(on).await;
    let (here, elsewhere) = (server.log_in("coach").await, server.log_in("coach").await);
    let session = here.place().await.session;
    let (mut ended, mut open) = (here.stream().await, elsewhere.stream().await);

    let reply = here.send("DELETE", "/delete", Value::Null).await;
    assert_eq!(reply.status, 204);
    assert!(reply.header("set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")), "{reply:?}");

    assert_eq!(ended.goodbye().await["reason"], "revoked");
    assert_eq!(here.get("/users/me").await.status, 401);
    assert_eq!(Stream::open(server.address, &[("cookie", &here.cookie)]).await.status, 401);
    elsewhere.action(&session, "still here").await;
    assert_eq!(open.event().await["type"], "action_created");
}

async fn logging_in_again_keeps_the_log_in_and_its_streams(on: On) {
    let server = Server::on(on).await;
    let coach = server.log_in("coach").await;
    let mut stream = coach.stream().await;
    let headers = [FORM, ("cookie", coach.cookie.as_str())];
    let form = "email=coach@example.com&password=coach-password";
    let reply = raw(server.address, "POST", "/login", &headers, form).await;
    let cookie = reply.header("set-cookie").expect("the cookie is set anew, for as long as at first");
    assert!(
        cookie.starts_with(&format!("{};", coach.cookie)) && cookie.contains("Max-Age=1209600"),
        "{cookie}"
    );
    let session = coach.place().await.session;
    coach.action(&session, "still here").await;
    assert_eq!(stream.event().await["type"], "action_created");
}

async fn another_person_on_the_same_cookie_ends_the_log_in_before(on: On) {
    let server = Server::on(on).await;
    let coach = server.log_in("coach").await;
    let mut stream = coach.stream().await;
    let headers = [FORM, ("cookie", coach.cookie.as_str())];
    let form = "email=coachee@example.com&password=coachee-password";
    let reply = raw(server.address, "POST", "/login", &headers, form).await;
    assert!(reply.header("set-cookie").is_some_and(|cookie| !cookie.contains(&coach.cookie)), "a new cookie");
    assert_eq!(stream.goodbye().await["reason"], "revoked");
    assert_eq!(coach.get("/users/me").await.status, 401);
}

async fn a_forced_logout_is_the_last_thing_a_person_hears(on: On) {
    let server = Server::on(on).await;
    let (coach, coachee) = (server.log_in("coach").await, server.log_in("coachee").await);
    let second = server.log_in("coachee").await;
    let mut streams = [coachee.stream().await, second.stream().await];
    let mut of_coach = coach.stream().await;

    let path = format!("/admin/force_logout/{}", coachee.id);
    assert_eq!(coach.send("POST", &path, json!({ "reason": "Lost phone" })).await.status, 200);

    for stream in &mut streams {
        let last = stream.event().await;
        assert_eq!(last["type"], "force_logout");
        assert_eq!(last["data"], json!({ "reason": "Lost phone" }));
        let goodbye = stream.goodbye().await;
        assert_eq!((&goodbye["reason"], &goodbye["reconnect_after_ms"]), (&json!("revoked"), &Value::Null));
    }
    for cookie in [&coachee.cookie, &second.cookie] {
        assert_eq!(Stream::open(server.address, &[("cookie", cookie)]).await.status, 401);
    }
    assert_eq!(coachee.get("/users/me").await.status, 401);

    // The coach heard nothing of it and reads on; the coachee may log in anew.
    let session = coach.place().await.session;
    coach.action(&session, "after").await;
    assert_eq!(of_coach.event().await["type"], "action_created");
    let mut again = server.log_in("coachee").await.stream().await;
    coach.action(&session, "later").await;
    assert_eq!(again.event().await["data"]["action"]["body"], "later");
}

async fn a_page_of_another_site_logs_nobody_in(on: On) {
    let server = Server::on(on).await;
    let form = "email=coach@example.com&password=coach-password";
    for (site, status) in [("cross-site", 403), ("same-origin", 200), ("none", 200)] {
        let reply = raw(server.address, "POST", "/login", &[FORM, ("sec-fetch-site", site)], form).await;
        assert_eq!((reply.status, reply.header("set-cookie").is_some()), (status, status == 200), "{site}");
    }
}

async fn the_stream_reads_the_same_cookie_as_every_other_route(on: On) {
    let server = Server::on(on).await;
    let coach = server.log_in("coach").await;
    let other = format!("id={}", "A".repeat(22));
    for cookies in [
        coach.cookie.clone(),
        format!("{other}; {}", coach.cookie),
        format!("{}; {other}", coach.cookie),
        format!("name=é; {}", coach.cookie),
        format!("{};a=b", coach.cookie),
    ] {
        let headers = [("cookie", cookies.as_str())];
        let rest = raw(server.address, "GET", "/users/me", &headers, "").await.status;
        assert_eq!(Stream::open(server.address, &headers).await.status, rest, "{cookies}");
    }
}
