//! `serve` over PostgreSQL: several servers are one, and the database may go away for a while.

#[allow(dead_code, reason = "the server of a test of its own is part of it")]
#[path = "../../../server/tests/store/postgres/server.rs"]
mod postgres;

use serde_json::json;

use crate::support::{Running, Server, tidings};

fn serve(database: &postgres::Server) -> Server {
    let socket = database.folder().display().to_string().replace('/', "%2F");
    let store = format!("postgres://postgres@{socket}/postgres");
    Server::start(tidings(&["serve", "--store", &store, "--insecure-anyone", "--listen", "127.0.0.1:0"]))
}

fn publish(server: &Server, n: u32) {
    server.publish(&format!(r#"{{"type":"x","data":{n},"audience":{{"everyone":true}}}}"#));
}

#[test]
fn readers_of_one_server_get_what_is_published_at_another_over_a_restart_of_their_database() {
    let mut database = postgres::Server::start();
    let (here, there) = (serve(&database), serve(&database));
    let listener = Running::start(tidings(&["listen", &there.stream(), "--user", "42"]));
    assert_eq!(listener.json(), json!({ "gap": "initial" }));
    publish(&here, 1);
    assert_eq!(listener.json()["data"], 1);

    database.stop();
    database.resume();
    publish(&here, 2);
    assert_eq!(listener.json()["data"], 2, "without a gap");

    // Killed; the other one goes on alone.
    drop(here);
    publish(&there, 3);
    assert_eq!(listener.json()["data"], 3, "without a gap");
}

#[test]
fn a_reader_goes_on_at_another_server_where_it_left_the_first() {
    let database = postgres::Server::start();
    let (here, there) = (serve(&database), serve(&database));
    let first = Running::start(tidings(&["listen", &here.stream(), "--user", "42"]));
    assert_eq!(first.json(), json!({ "gap": "initial" }));
    publish(&there, 1);
    let id = first.json()["id"].as_str().expect("an id").to_owned();
    drop((first, here));
    publish(&there, 2);
    let second = Running::start(tidings(&["listen", &there.stream(), "--user", "42", "--since", &id]));
    assert_eq!(second.json()["data"], 2, "without a gap");
}
