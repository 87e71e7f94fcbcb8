//! What is refused is refused clearly, and a refused change is told to the page that tried.

#[macro_use]
mod support;

use serde_json::{Value, json};
use support::{FORM, On, Place, Server, raw};

on_both! {
    without_a_log_in_everything_is_401,
    a_wrong_password_is_401_and_sets_no_cookie,
    each_refusal_has_its_status_and_code,
    invalid_data_is_422_and_names_its_field,
    a_stale_change_is_409_shows_what_is_there_and_is_told_to_the_one_who_tried,
    a_change_without_a_version_or_with_the_same_instant_written_otherwise_is_taken,
    every_kind_of_refused_change_is_told_with_its_correlation_id,
    a_page_of_another_site_changes_nothing,
    an_ended_relationship_is_closed_to_both_and_both_are_told,
}

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

async fn without_a_log_in_everything_is_401(on: On) {
    let server = Server::on(on).await;
    let coach = server.log_in("coach").await;
    let Place { relationship, session } = coach.place().await;
    let forged = format!("id={}", "A".repeat(22));
    for cookie in ["", "id=nonsense", &forged] {
        for (method, path) in [
            ("GET", "/users/me".to_owned()),
            ("GET", format!("/coaching_sessions/{session}")),
            ("GET", format!("/goals?coaching_relationship_id={relationship}")),
            ("POST", "/actions".to_owned()),
            ("DELETE", "/delete".to_owned()),
            ("POST", format!("/admin/force_logout/{}", coach.id)),
            ("GET", "/sse".to_owned()),
        ] {
            let headers = [("cookie", cookie), ("x-version", "1.0.0"), ("tidings", "1")];
            let reply = raw(server.address, method, &path, &headers, "").await;
            assert_eq!(reply.status, 401, "{method} {path} with {cookie:?}");
            if path != "/sse" {
                let body = json!({
                    "status_code": 401, "error": { "code": "unauthorized", "message": "Unauthorized" },
                });
                assert_eq!(reply.json(), body, "{method} {path}");
            }
        }
    }
}

async fn a_wrong_password_is_401_and_sets_no_cookie(on: On) {
    let server = Server::on(on).await;
    for form in [
        "email=coach@example.com&password=wrong",
        "email=nobody@example.com&password=coach-password",
        "email=&password=",
    ] {
        let reply = raw(server.address, "POST", "/login", &[FORM], form).await;
        assert_eq!((reply.status, reply.header("set-cookie")), (401, None), "{form}");
    }
    let reply = raw(server.address, "POST", "/login", &[FORM], "email=coach@example.com").await;
    assert_eq!((reply.status, &reply.json()["error"]["field"]), (422, &json!("password")));
}

async fn each_refusal_has_its_status_and_code(on: On) {
    let server = Server::on(on).await;
    let (coach, coachee, admin) =
        (server.log_in("coach").await, server.log_in("coachee").await, server.log_in("admin").await);
    let Place { relationship, session } = coach.place().await;
    let topics = format!("/coaching_sessions/{session}/topics");
    let topic = coach.send("POST", &topics, json!({ "body": "Trust" })).await.data();
    let rating = format!("{topics}/{}/rating", topic["id"].as_str().expect("an id"));
    let action = |body: &str| json!({ "coaching_session_id": session, "body": body, "status": "NotStarted" });
    let members = json!({ "coach_id": coach.id, "coachee_id": coachee.id });
    let organization = coach.get(&format!("/users/{}/organizations", coach.id)).await.data()[0]["id"].clone();
    let relationships =
        format!("/organizations/{}/coaching_relationships", organization.as_str().expect("an id"));
    let announcement = json!({
        "event": { "type": "system_announcement", "data": { "message": "Hi", "severity": "info" } },
    });
    let made_up = json!({
        "event": { "type": "action_deleted", "data": { "coaching_session_id": session, "action_id": NOBODY } },
    });
    let null = Value::Null;

    for (user, method, path, body, status, code) in [
        // Somebody else's.
        (&admin, "GET", format!("/coaching_sessions/{session}"), null.clone(), 403, "permission_lost"),
        (
            &admin,
            "GET",
            format!("/actions?coaching_session_id={session}"),
            null.clone(),
            403,
            "permission_lost",
        ),
        (&admin, "POST", "/actions".into(), action("x"), 403, "permission_lost"),
        (
            &admin,
            "GET",
            format!("/presence?coaching_relationship_id={relationship}"),
            null.clone(),
            403,
            "permission_lost",
        ),
        (&coach, "GET", format!("/users/{}/organizations", coachee.id), null.clone(), 403, "permission_lost"),
        // Not this role's.
        (&coach, "PATCH", rating.clone(), json!({ "priority": "High" }), 403, "permission_lost"),
        (&coachee, "POST", format!("/admin/force_logout/{}", coach.id), null.clone(), 403, "permission_lost"),
        (&coach, "POST", format!("/admin/force_logout/{NOBODY}"), null.clone(), 403, "permission_lost"),
        (&coach, "POST", "/admin/events".into(), announcement, 403, "permission_lost"),
        (&coachee, "POST", relationships.clone(), members.clone(), 403, "permission_lost"),
        // Nowhere.
        (&coach, "GET", format!("/coaching_sessions/{NOBODY}"), null.clone(), 404, "not_found"),
        (&coach, "PUT", format!("/actions/{NOBODY}"), action("x"), 404, "not_found"),
        (&coach, "DELETE", format!("/agreements/{NOBODY}"), null.clone(), 404, "not_found"),
        (
            &coach,
            "DELETE",
            format!("/coaching_sessions/{session}/goals/{NOBODY}"),
            null.clone(),
            404,
            "not_found",
        ),
        (&coach, "DELETE", format!("{topics}/{NOBODY}"), null.clone(), 404, "not_found"),
        // There already.
        (&coach, "POST", relationships, members, 409, "conflict"),
        // Made up by hand.
        (&admin, "POST", "/admin/events".into(), made_up, 422, "validation_failed"),
    ] {
        let reply = user.send(method, &path, body).await;
        let json = reply.json();
        assert_eq!((reply.status, &json["error"]["code"]), (status, &json!(code)), "{method} {path}: {json}");
        assert_eq!(json["status_code"], status);
        assert!(json["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{json}");
    }
}

async fn invalid_data_is_422_and_names_its_field(on: On) {
    let server = Server::on(on).await;
    let coach = server.log_in("coach").await;
    let Place { relationship, session } = coach.place().await;
    let action = coach.action(&session, "valid").await;
    let action = format!("/actions/{}", action["id"].as_str().expect("an id"));
    let long = "x".repeat(20_000);
    for (method, path, body, field) in [
        (
            "POST",
            "/actions",
            json!({ "coaching_session_id": session, "body": "  ", "status": "NotStarted" }),
            "body",
        ),
        (
            "POST",
            "/actions",
            json!({ "coaching_session_id": session, "body": long, "status": "NotStarted" }),
            "body",
        ),
        (
            "POST",
            "/actions",
            json!({ "coaching_session_id": session, "body": "x", "status": "Never" }),
            "status",
        ),
        ("POST", "/actions", json!({ "coaching_session_id": session, "body": "x" }), "status"),
        (
            "POST",
            "/actions",
            json!({ "coaching_session_id": "42", "body": "x", "status": "NotStarted" }),
            "coaching_session_id",
        ),
        (
            "POST",
            "/actions",
            json!({ "coaching_session_id": session, "body": "x", "status": "NotStarted", "due_by": "soon" }),
            "due_by",
        ),
        (
            "POST",
            "/actions",
            json!({ "coaching_session_id": session, "body": "x", "status": "NotStarted", "assignee_ids": [NOBODY] }),
            "assignee_ids",
        ),
        (
            "POST",
            "/actions",
            json!({ "coaching_session_id": session, "body": "x", "status": "NotStarted", "assignee_ids": [coach.id, coach.id] }),
            "assignee_ids",
        ),
        (
            "POST",
            "/actions",
            json!({ "coaching_session_id": session, "body": "x", "status": "NotStarted", "goal_id": NOBODY }),
            "goal_id",
        ),
        (
            "PUT",
            &action,
            json!({ "coaching_session_id": NOBODY, "body": "x", "status": "NotStarted" }),
            "coaching_session_id",
        ),
        (
            "PUT",
            "/actions/42",
            json!({ "coaching_session_id": session, "body": "x", "status": "NotStarted" }),
            "id",
        ),
        ("PATCH", &format!("/coaching_sessions/{session}/title"), json!({ "title": "" }), "title"),
        ("PUT", &format!("/coaching_sessions/{session}/topics/42"), json!({ "body": "x" }), "topic_id"),
        (
            "POST",
            "/goals",
            json!({ "coaching_relationship_id": relationship, "title": "", "body": "x", "status": "OnHold" }),
            "title",
        ),
        (
            "POST",
            "/goals",
            json!({ "coaching_relationship_id": relationship, "title": long, "status": "OnHold" }),
            "title",
        ),
        (
            "POST",
            "/coaching_sessions",
            json!({ "coaching_relationship_id": relationship, "date": "tomorrow" }),
            "date",
        ),
        ("GET", "/actions?coaching_session_id=42", Value::Null, "coaching_session_id"),
        ("GET", "/actions", Value::Null, "coaching_session_id"),
        ("POST", "/actions", json!([]), "body"),
    ] {
        let reply = coach.send(method, path, body).await;
        let json = reply.json();
        assert_eq!(
            (reply.status, &json["error"]["code"]),
            (422, &json!("validation_failed")),
            "{method} {path}: {json}"
        );
        assert_eq!(json["error"]["field"], field, "{method} {path}: {json}");
    }
}

async fn a_stale_change_is_409_shows_what_is_there_and_is_told_to_the_one_who_tried(on: On) {
    let server = Server::on(on).await;
    let (coach, coachee) = (server.log_in("coach").await, server.log_in("coachee").await);
    let session = coach.place().await.session;
    let action = coach.action(&session, "first").await;
    let path = format!("/actions/{}", action["id"].as_str().expect("an id"));
    let based_on_first = |body: &str| {
        json!({
            "coaching_session_id": session, "body": body, "status": "NotStarted",
            "updated_at": action["updated_at"],
        })
    };
    let (mut of_coach, mut of_coachee) = (coach.stream().await, coachee.stream().await);
    let second = coachee.send("PUT", &path, based_on_first("second")).await.data();
    for stream in [&mut of_coach, &mut of_coachee] {
        while stream.event().await["data"]["action"] != second {}
    }

    let headers = [("x-correlation-id", "mine")];
    let reply = coach.send_with("PUT", &path, based_on_first("third"), &headers).await;
    assert_eq!((reply.status, &reply.json()["error"]["current"]), (409, &second));

    let told = of_coach.event().await;
    assert_eq!(told["type"], "application_error");
    assert_eq!(
        told["data"],
        json!({
            "code": "conflict", "message": reply.json()["error"]["message"],
            "about": { "kind": "action", "id": action["id"] }, "correlation_id": "mine", "retryable": false,
        })
    );
    // The coachee hears nothing of it: the next thing is another.
    coach.action(&session, "after").await;
    assert_eq!(of_coachee.event().await["type"], "action_created");
}

async fn a_change_without_a_version_or_with_the_same_instant_written_otherwise_is_taken(on: On) {
    let server = Server::on(on).await;
    let coach = server.log_in("coach").await;
    let session = coach.place().await.session;
    let action = coach.action(&session, "first").await;
    let path = format!("/actions/{}", action["id"].as_str().expect("an id"));
    let utc = action["updated_at"].as_str().expect("a time").replace('Z', "+00:00");
    for updated_at in [json!(utc), Value::Null] {
        let update = json!({
            "coaching_session_id": session, "body": "next", "status": "NotStarted", "updated_at": updated_at,
        });
        assert_eq!(coach.send("PUT", &path, update).await.status, 200);
    }
}

async fn every_kind_of_refused_change_is_told_with_its_correlation_id(on: On) {
    let server = Server::on(on).await;
    let coach = server.log_in("coach").await;
    let Place { session, .. } = coach.place().await;
    let topics = format!("/coaching_sessions/{session}/topics");
    let mut stream = coach.stream().await;
    let topic = coach.send("POST", &topics, json!({ "body": "Trust" })).await.data();
    assert_eq!(stream.event().await["type"], "topics_changed");
    let rating = format!("{topics}/{}/rating", topic["id"].as_str().expect("an id"));
    for (method, path, body, code, about) in [
        (
            "PATCH",
            rating.as_str(),
            json!({ "priority": "Low" }),
            "permission_lost",
            json!({ "kind": "topic", "id": topic["id"] }),
        ),
        (
            "POST",
            "/actions",
            json!({ "coaching_session_id": session, "body": "", "status": "OnHold" }),
            "validation_failed",
            Value::Null,
        ),
    ] {
        coach.send_with(method, path, body, &[("x-correlation-id", code)]).await;
        let told = stream.event().await;
        let data = &told["data"];
        assert_eq!(told["type"], "application_error");
        assert_eq!(
            (&data["code"], &data["correlation_id"], &data["about"]),
            (&json!(code), &json!(code), &about)
        );
    }
}

async fn a_page_of_another_site_changes_nothing(on: On) {
    let server = Server::on(on).await;
    let coach = server.log_in("coach").await;
    let Place { session, .. } = coach.place().await;
    let draft = json!({ "coaching_session_id": session, "body": "x", "status": "OnHold" });
    for (site, status) in [("cross-site", 403), ("same-origin", 201)] {
        let headers = [("sec-fetch-site", site)];
        assert_eq!(
            coach.send_with("POST", "/actions", draft.clone(), &headers).await.status,
            status,
            "{site}"
        );
    }
}

async fn an_ended_relationship_is_closed_to_both_and_both_are_told(on: On) {
    let server = Server::on(on).await;
    let (coach, admin) = (server.log_in("coach").await, server.log_in("admin").await);
    let Place { relationship, session } = coach.place().await;
    let mut stream = coach.stream().await;
    let end = format!("/admin/coaching_relationships/{relationship}");
    assert_eq!(coach.send("DELETE", &end, Value::Null).await.status, 403);
    assert_eq!(stream.event().await["data"]["code"], "permission_lost");
    assert_eq!(admin.send("DELETE", &end, Value::Null).await.status, 204);
    let told = stream.event().await;
    assert_eq!(
        (&told["data"]["about"]["kind"], &told["data"]["correlation_id"]),
        (&json!("coaching_relationship"), &Value::Null)
    );
    assert_eq!(coach.get(&format!("/coaching_sessions/{session}")).await.status, 403);
    assert_eq!(coach.relationship().await, Value::Null);

    let organization = admin.get(&format!("/users/{}/organizations", admin.id)).await.data()[0]["id"].clone();
    let again = format!("/organizations/{}/coaching_relationships", organization.as_str().expect("an id"));
    let coachee = server.log_in("coachee").await;
    let pair = json!({ "coach_id": coach.id, "coachee_id": coachee.id });
    assert_eq!(admin.send("POST", &again, pair).await.status, 201);
    assert_eq!(coach.place().await.session, session, "what was there is there again");
}
