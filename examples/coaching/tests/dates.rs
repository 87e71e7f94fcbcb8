//! Days and times of requests are read as RFC 3339 means them.

mod support;

use serde_json::{Value, json};
use support::Server;

#[tokio::test]
async fn sessions_are_filtered_by_day() {
    let server = Server::start().await;
    let coach = server.log_in("coach").await;
    let relationship = coach.place().await.relationship;
    let draft = json!({ "coaching_relationship_id": relationship, "date": "2031-05-01T10:00:00Z" });
    let made = coach.send("POST", "/coaching_sessions", draft).await;
    assert_eq!((made.status, &made.data()["title"]), (201, &Value::Null));
    let sessions = format!("/coaching_sessions?coaching_relationship_id={relationship}");
    for (days, found) in [
        ("from_date=2031-05-01&to_date=2031-05-01", 1),
        ("from_date=2031-05-02&to_date=2031-06-01", 0),
        ("from_date=2031-05-01", 1),
        ("to_date=2031-04-30", 2),
    ] {
        let list = coach.get(&format!("{sessions}&{days}")).await.data();
        assert_eq!(list.as_array().map(Vec::len), Some(found), "{days}: {list}");
    }
}

#[tokio::test]
async fn a_date_of_any_year_with_four_digits_is_kept_and_no_other_is_bent_into_one() {
    let server = Server::start().await;
    let coach = server.log_in("coach").await;
    let relationship = coach.place().await.relationship;
    let sessions = format!("/coaching_sessions?coaching_relationship_id={relationship}");
    let all = coach.get(&format!("{sessions}&from_date=0001-01-01&to_date=9999-12-31")).await.data();
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    let draft = |date: &str| json!({ "coaching_relationship_id": relationship, "date": date });
    let made = coach.send("POST", "/coaching_sessions", draft("1969-07-20T20:17:40Z")).await.data();
    assert_eq!(made["date"], "1969-07-20T20:17:40.000Z");
    let beyond = coach.send("POST", "/coaching_sessions", draft("9999-12-31T23:59:59-12:00")).await;
    assert_eq!((beyond.status, &beyond.json()["error"]["field"]), (422, &json!("date")));
}
