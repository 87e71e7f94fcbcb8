//! What is malformed is refused in JSON, with words that say what to do, and never as the server's own failure.

mod support;

use serde_json::{Value, json};
use support::{FORM, Reply, Server, User, raw};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

fn refused(reply: &Reply, status: u16, field: &str) -> String {
    let json = reply.json();
    assert_eq!((reply.status, &json["status_code"]), (status, &json!(status)), "{json}");
    assert_eq!(json["error"]["field"], field, "{json}");
    json["error"]["message"].as_str().expect("a message").to_owned()
}

async fn post(user: &User, path: &str, content_type: &str, body: &str) -> Reply {
    let headers = [("cookie", user.cookie.as_str()), ("content-type", content_type)];
    raw(user.address, "POST", path, &headers, body).await
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_told_to_be_one() {
    let server = Server::start().await;
    let coach = server.log_in("coach").await;
    let force_logout = format!("/admin/force_logout/{}", coach.id);
    for body in
        ["body=x&status=OnHold", "--x\r\nbody", "nonsense", "\"x\"", "5", "null", "[]", "[[[[", "\u{feff}{}"]
    {
        for path in ["/actions", force_logout.as_str()] {
            let message = refused(&post(&coach, path, "text/plain", body).await, 422, "body");
            assert!(message.contains("send a JSON object"), "{body}: {message}");
        }
    }
    assert!(refused(&post(&coach, "/actions", "", "").await, 422, "body").contains("send a JSON object"));
}

#[tokio::test]
async fn json_that_goes_on_behind_its_end_or_stops_before_it_changes_nothing() {
    let server = Server::start().await;
    let coach = server.log_in("coach").await;
    let session = coach.place().await.session;
    let whole = json!({ "coaching_session_id": session, "body": "half" }).to_string();
    let cut = &whole[..whole.len() - 3];
    for body in
        [format!("{whole} x"), format!("{whole}{whole}"), cut.to_owned(), whole.replace("half", "\\ud800")]
    {
        let message = refused(&post(&coach, "/agreements", "application/json", &body).await, 422, "body");
        assert!(message.contains("not valid JSON"), "{body}: {message}");
    }
    let listed = coach.get(&format!("/agreements?coaching_session_id={session}")).await;
    assert!(!listed.body.contains("half"), "{listed:?}");
    assert_eq!(post(&coach, "/agreements", "", &format!(" {whole}\n")).await.status, 201);
}

#[tokio::test]
async fn a_field_of_the_wrong_type_or_said_twice_is_named() {
    let server = Server::start().await;
    let coach = server.log_in("coach").await;
    let session = coach.place().await.session;
    let twice = format!(r#"{{"coaching_session_id":"{session}","body":"x","body":"y"}}"#);
    refused(&post(&coach, "/agreements", "", &twice).await, 422, "body");
    let nothing = json!({ "coaching_session_id": session, "body": "x", "status": null });
    refused(&coach.send("POST", "/actions", nothing).await, 422, "status");
    let force_logout = format!("/admin/force_logout/{NOBODY}");
    refused(&post(&coach, &force_logout, "", r#"{"reason":5}"#).await, 422, "reason");
    let query = format!("/actions?coaching_session_id={session}&coaching_session_id={session}");
    refused(&coach.get(&query).await, 422, "coaching_session_id");
}

#[tokio::test]
async fn a_log_in_that_is_no_form_is_told_to_be_one() {
    let server = Server::start().await;
    let credentials = json!({ "email": "coach@example.com", "password": "coach-password" }).to_string();
    for content_type in ["application/json", "text/plain", ""] {
        let headers = [("content-type", content_type)];
        let reply = raw(server.address, "POST", "/login", &headers, &credentials).await;
        let message = refused(&reply, 422, "content-type");
        assert!(message.contains("application/x-www-form-urlencoded"), "{message}");
    }
    let twice = "email=coach@example.com&email=x&password=coach-password";
    refused(&raw(server.address, "POST", "/login", &[FORM], twice).await, 422, "email");
}

#[tokio::test]
async fn a_path_that_is_no_text_is_the_askers_error() {
    let server = Server::start().await;
    let coach = server.log_in("coach").await;
    let draft = json!({ "coaching_session_id": NOBODY, "body": "x", "status": "OnHold" });
    refused(&coach.send("PUT", "/actions/%ff", draft).await, 422, "path");
    refused(&coach.get("/coaching_sessions/%ff/topics").await, 422, "path");
}

#[tokio::test]
async fn a_method_or_a_path_that_is_none_is_answered_in_json() {
    let server = Server::without_files().await;
    let coach = server.log_in("coach").await;
    let reply = coach.send("DELETE", &format!("/notes/{NOBODY}"), Value::Null).await;
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (405, &json!("method_not_allowed")));
    assert!(reply.json()["error"]["message"].as_str().is_some_and(|message| message.contains("Allow")));
    assert_eq!(reply.header("allow"), Some("PUT"));
    let reply = raw(server.address, "GET", "/login", &[], "").await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    assert_eq!(reply.json()["status_code"], 405);
    let reply = coach.get("/nowhere").await;
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (404, &json!("not_found")));
}

#[tokio::test]
async fn the_longest_note_fits_however_json_escapes_it_and_a_larger_request_hears_the_bound() {
    let server = Server::start().await;
    let coach = server.log_in("coach").await;
    let session = coach.place().await.session;
    let note = |bytes: usize| json!({ "coaching_session_id": session, "body": "\u{1}".repeat(bytes) });
    assert_eq!(coach.send("POST", "/notes", note(100_000)).await.status, 201);
    refused(&coach.send("POST", "/notes", note(100_001)).await, 422, "body");
    let reply = coach.send("POST", "/notes", note(120_000)).await;
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (413, &json!("validation_failed")));
    assert!(reply.json()["error"]["message"].as_str().is_some_and(|message| message.contains("655360")));
}
