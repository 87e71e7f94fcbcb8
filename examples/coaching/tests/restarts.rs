//! A process that is killed loses nothing: not log-ins, not work, not an event, not who was there.

#[macro_use]
mod support;

use serde_json::json;
use support::{On, PATIENCE, Process, User, address};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

on_both! {
    a_restart_keeps_log_ins_and_work,
    what_is_committed_is_told_though_the_process_dies_before_it_could,
    who_was_there_and_comes_back_is_not_said_to_have_been_away,
}

/// Keeps events from being given their places: what is committed waits, as between the two commits.
fn hold(on: On) -> &'static str {
    match on {
        On::Sqlite => {
            "CREATE TRIGGER held BEFORE DELETE ON tidings_outbox BEGIN SELECT RAISE(ABORT, 'held'); END"
        }
        On::Postgres => {
            "CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'held'; END $$;
             CREATE TRIGGER held BEFORE DELETE ON tidings.outbox EXECUTE FUNCTION held()"
        }
    }
}

fn let_go(on: On) -> &'static str {
    match on {
        On::Sqlite => "DROP TRIGGER held",
        On::Postgres => "DROP TRIGGER held ON tidings.outbox",
    }
}

fn epoch(cursor: &str) -> &str {
    cursor.rsplit_once('-').expect("an id").0
}

async fn a_restart_keeps_log_ins_and_work(on: On) {
    let mut process = Process::start(on).await;
    let mut coach = process.log_in("coach").await;
    let session = coach.place().await.session;
    let action = coach.action(&session, "stays").await;
    process.kill().await;
    process.start_again().await;
    coach.address = process.address;
    coach.stream().await;
    let actions = coach.get(&format!("/actions?coaching_session_id={session}")).await.data();
    assert!(actions.as_array().expect("a list").contains(&action));
}

async fn what_is_committed_is_told_though_the_process_dies_before_it_could(on: On) {
    let mut process = Process::start(on).await;
    let (coach, mut coachee) = (process.log_in("coach").await, process.log_in("coachee").await);
    let session = coach.place().await.session;
    let mut stream = coachee.stream().await;
    coach.action(&session, "heard").await;
    assert_eq!(stream.event().await["data"]["action"]["body"], "heard");
    let last = stream.cursor().to_owned();

    process.execute(hold(on)).await;
    let action = coach.action(&session, "held").await;
    process.kill().await;
    process.execute(let_go(on)).await;
    process.start_again().await;

    coachee.address = process.address;
    let mut stream = coachee.stream_from(Some(&last)).await;
    // Anything but this, a gap above all, fails.
    assert_eq!(stream.event().await["data"]["action"], action);
    assert_ne!(epoch(stream.cursor()), epoch(&last), "it had no place in the order yet");
}

async fn who_was_there_and_comes_back_is_not_said_to_have_been_away(on: On) {
    let mut process = Process::start(on).await;
    let (mut coach, mut coachee) = (process.log_in("coach").await, process.log_in("coachee").await);
    let session = coach.place().await.session;
    let mut of_coach = coach.stream().await;
    let of_coachee = coachee.stream().await;
    let online = json!({ "user_id": coachee.id, "presence": "online" });
    assert_eq!(of_coach.any_event().await["data"], online);
    let at = of_coach.cursor().to_owned();

    process.kill().await;
    drop((of_coach, of_coachee));
    process.start_again().await;
    (coach.address, coachee.address) = (process.address, process.address);
    let mut of_coach = coach.stream_from(Some(&at)).await;
    let relationship = coach.place().await.relationship;
    let presence = format!("/presence?coaching_relationship_id={relationship}");
    let both = json!([{ "user_id": coach.id, "presence": "online" }, online]);
    assert_eq!(coach.get(&presence).await.data(), both, "before the coachee is back");
    let _of_coachee = coachee.stream().await;
    assert_eq!(coach.get(&presence).await.data(), both, "and after that");
    coach.action(&session, "after").await;
    // Nothing about anybody's presence comes first.
    assert_eq!(of_coach.any_event().await["type"], "action_created");
}

#[tokio::test]
async fn a_second_process_waits_for_the_first_and_says_so() {
    let mut process = Process::start(On::Sqlite).await;
    let coach = process.log_in("coach").await;
    let mut stream = coach.stream().await;
    let mut second = process.beside();
    let mut said = BufReader::new(second.stderr.take().expect("piped")).lines();
    let waits = async {
        loop {
            let line = said.next_line().await.expect("text").expect("it says why it waits");
            if line.contains("is not open yet") {
                return;
            }
        }
    };
    timeout(PATIENCE, waits).await.expect("it says so in time");
    process.terminate().await;
    assert_eq!(stream.goodbye().await["reason"], "draining");
    let (address, _output) = address(&mut second).await;
    assert_eq!(User { address, ..coach }.get("/users/me").await.status, 200);
}
