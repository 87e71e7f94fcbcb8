//! Notes: what was written down in a session, and where its shared text is edited.

use axum::{
    Router,
    extract::State,
    routing::{get, put},
};
use serde::{Deserialize, Serialize};
use tidings_bindings::{Event, Id, Note};
use tidings_server::Cause;

use super::OfSession;
use crate::{
    access::{Pair, Place},
    answer::{Answer, Asked, At, Body, Created, NOTE_BYTES_MAX, at_most},
    clock::When,
    database::{Connection, Row, parsed, query},
    failure::Failure,
    guard::Me,
    platform::{Platform, based_on, new_id},
};

pub(super) fn routes() -> Router<Platform> {
    Router::new()
        .route("/notes", get(list).post(create))
        .route("/notes/{id}", put(replace))
        .route("/notes/shared", get(shared))
}

/// Where a page edits the text of a session together with others.
#[derive(Debug, Serialize)]
struct Shared {
    /// The port of a WebSocket server on the page's host that takes the page's cookie.
    port: Option<u16>,
}

async fn shared(State(platform): State<Platform>) -> Answer<Shared> {
    Answer(Shared { port: platform.notes_port })
}

#[derive(Debug, Deserialize)]
struct Draft {
    coaching_session_id: Id,
    body: String,
    updated_at: Option<When>,
}

async fn list(
    State(platform): State<Platform>,
    me: Me,
    Asked(of): Asked<OfSession>,
) -> Result<Answer<Vec<Note>>, Failure> {
    let db = &mut platform.reader().await?;
    Pair::of(db, Place::Session(of.coaching_session_id), me.id()).await?;
    let rows = query("SELECT * FROM notes WHERE coaching_session_id = $1 ORDER BY created_at, id")
        .bind(of.coaching_session_id.to_string())
        .fetch_all(db)
        .await?;
    Ok(Answer(rows.iter().map(read).collect::<Result<_, _>>()?))
}

async fn create(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    Body(draft): Body<Draft>,
) -> Result<Created<Note>, Failure> {
    let body = at_most("body", draft.body, NOTE_BYTES_MAX)?;
    let mut change = platform.change(cause).await?;
    let coaching_session_id = draft.coaching_session_id;
    let pair = Pair::of(change.db(), Place::Session(coaching_session_id), me.id()).await?;
    let now = change.now();
    let note = Note {
        id: new_id(),
        coaching_session_id,
        body: Some(body),
        user_id: me.id(),
        created_at: now.clone(),
        updated_at: now,
    };
    save(change.db(), &note).await?;
    let event = Event::NoteCreated { coaching_session_id, note: note.clone() };
    change.tell(pair.audience(), &event).await?;
    change.commit().await?;
    Ok(Created(note))
}

async fn replace(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(id): At<Id>,
    Body(draft): Body<Draft>,
) -> Result<Answer<Note>, Failure> {
    let body = at_most("body", draft.body, NOTE_BYTES_MAX)?;
    let mut change = platform.change(cause).await?;
    let (pair, was) = find(change.db(), id, me.id()).await?;
    let coaching_session_id = was.coaching_session_id;
    if draft.coaching_session_id != coaching_session_id {
        return Err(Failure::invalid("coaching_session_id", "a note stays in its session"));
    }
    based_on(draft.updated_at.as_ref(), &was.updated_at, &was)?;
    let note = Note { body: Some(body), updated_at: change.now(), ..was };
    save(change.db(), &note).await?;
    let event = Event::NoteUpdated { coaching_session_id, note: note.clone() };
    change.tell(pair.audience(), &event).await?;
    change.commit().await?;
    Ok(Answer(note))
}

async fn find(db: &mut Connection, id: Id, me: Id) -> Result<(Pair, Note), Failure> {
    let pair = Pair::of(db, Place::Note(id), me).await?;
    let row = query("SELECT * FROM notes WHERE id = $1").bind(id.to_string()).fetch_optional(db).await?;
    let note = read(&row.ok_or(Failure::NotFound("note"))?)?;
    Ok((pair, note))
}

/// Writes a note, new or changed.
pub(crate) async fn save(db: &mut Connection, note: &Note) -> Result<(), Failure> {
    query(
        "INSERT INTO notes (id, coaching_session_id, user_id, created_at, body, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
    )
    .bind(note.id.to_string())
    .bind(note.coaching_session_id.to_string())
    .bind(note.user_id.to_string())
    .bind(note.created_at.as_str())
    .bind(note.body.as_deref())
    .bind(note.updated_at.as_str())
    .execute(db)
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Note, sqlx::Error> {
    Ok(Note {
        id: parsed(row, "id")?,
        coaching_session_id: parsed(row, "coaching_session_id")?,
        body: row.try_get("body")?,
        user_id: parsed(row, "user_id")?,
        created_at: parsed(row, "created_at")?,
        updated_at: parsed(row, "updated_at")?,
    })
}
