//! A database that fails is said in words that are true of reads and changes, told to the page, and nothing of it leaks.

mod support;

use serde_json::json;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use support::Server;

#[tokio::test]
async fn a_change_that_the_database_refuses_is_a_retryable_save_failed() {
    let server = Server::start().await;
    let coach = server.log_in("coach").await;
    let session = coach.place().await.session;
    let mut stream = coach.stream().await;
    let options = SqliteConnectOptions::new().filename(server.database());
    let mut db = SqliteConnection::connect_with(&options).await.expect("the database");
    sqlx::raw_sql("ALTER TABLE notes RENAME TO gone").execute(&mut db).await.expect("renamed");

    let read = coach.get(&format!("/notes?coaching_session_id={session}")).await;
    let note = json!({ "coaching_session_id": session, "body": "x" });
    let change = coach.send_with("POST", "/notes", note.clone(), &[("x-correlation-id", "mine")]).await;
    for reply in [&read, &change] {
        let error = &reply.json()["error"];
        assert_eq!((reply.status, &error["code"]), (500, &json!("save_failed")), "{error}");
        assert_eq!(error["message"], "the database failed: try again");
    }
    let told = json!({
        "code": "save_failed", "message": "the database failed: try again", "about": null,
        "correlation_id": "mine", "retryable": true,
    });
    assert_eq!(stream.event().await["data"], told, "the read is told to nobody");

    sqlx::raw_sql("ALTER TABLE gone RENAME TO notes").execute(&mut db).await.expect("renamed");
    assert_eq!(coach.send("POST", "/notes", note).await.status, 201, "and the same again succeeds");
}
