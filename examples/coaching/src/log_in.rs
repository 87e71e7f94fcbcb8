//! Log-ins: cookie sessions kept in the database, so that a restart keeps them and deleting a row ends them.

use std::str::FromStr;

use async_trait::async_trait;
use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tidings_bindings::Id;
use time::{Duration, OffsetDateTime};
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{Id as Secret, Record},
    session_store,
};

use crate::database::{Connection, Pool, query};

/// The cookie's name.
const COOKIE: &str = "id";
/// Where a session keeps its [`LogIn`].
pub(crate) const KEY: &str = "log_in";
/// How long a log-in lasts.
const EXPIRY: Expiry = Expiry::OnInactivity(Duration::days(14));

/// One log-in of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogIn {
    /// Which log-in: not the cookie's secret, so it may be said in logs and in the event order.
    pub(crate) id: Id,
    /// Whose.
    pub(crate) user: Id,
    /// When, in milliseconds since 1970.
    pub(crate) since: u64,
}

/// The table of log-ins.
#[derive(Debug, Clone)]
pub(crate) struct LogIns {
    pool: Pool,
}

impl LogIns {
    pub(crate) const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Lets the log-in of a session last as long as a new one, and sets its cookie anew.
    pub(crate) fn renew(session: &Session) {
        session.set_expiry(Some(EXPIRY));
    }

    /// The layer that reads and sets the cookie.
    pub(crate) fn layer(&self) -> SessionManagerLayer<Self> {
        SessionManagerLayer::new(self.clone())
            .with_name(COOKIE)
            .with_http_only(true)
            .with_same_site(SameSite::Lax)
            .with_path("/")
            // The demo is served over plain HTTP on localhost.
            .with_secure(false)
            .with_expiry(EXPIRY)
    }

    /// The log-in that a request's cookie stands for and when it ends, read afresh from the table.
    pub(crate) async fn of_cookie(
        &self,
        headers: &HeaderMap,
    ) -> session_store::Result<Option<(LogIn, OffsetDateTime)>> {
        let Some(secret) = secret(headers) else { return Ok(None) };
        let Some(record) = self.load(&secret).await? else { return Ok(None) };
        Ok(log_in(&record).map(|log_in| (log_in, record.expiry_date)))
    }

    /// Ends one log-in.
    pub(crate) async fn end(db: &mut Connection, secret: &Secret) -> Result<(), sqlx::Error> {
        query("DELETE FROM log_ins WHERE secret_hash = $1").bind(key(secret)).execute(db).await.map(drop)
    }

    /// Ends every log-in of a person.
    pub(crate) async fn end_all(db: &mut Connection, user: Id) -> Result<(), sqlx::Error> {
        query("DELETE FROM log_ins WHERE user_id = $1").bind(user.to_string()).execute(db).await.map(drop)
    }

    /// Forgets the log-ins that have run out.
    pub(crate) async fn forget_expired(&self) -> Result<(), sqlx::Error> {
        query("DELETE FROM log_ins WHERE expires_at <= $1")
            .bind(OffsetDateTime::now_utc().unix_timestamp())
            .execute(&mut self.pool.connection().await?)
            .await
            .map(drop)
    }

    async fn db(&self) -> session_store::Result<Connection> {
        self.pool.connection().await.map_err(backend)
    }
}

#[async_trait]
impl SessionStore for LogIns {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let Some(LogIn { user, .. }) = log_in(record) else {
            return Err(session_store::Error::Encode("a session without a log-in".into()));
        };
        query("INSERT INTO log_ins (secret_hash, user_id, data, expires_at) VALUES ($1, $2, $3, $4)")
            .bind(key(&record.id))
            .bind(user.to_string())
            .bind(encode(record)?)
            .bind(record.expiry_date.unix_timestamp())
            .execute(&mut self.db().await?)
            .await
            .map_err(backend)?;
        Ok(())
    }

    /// Only ever an update: a request under way must not bring back a log-in that has been ended meanwhile.
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        query("UPDATE log_ins SET data = $1, expires_at = $2 WHERE secret_hash = $3")
            .bind(encode(record)?)
            .bind(record.expiry_date.unix_timestamp())
            .bind(key(&record.id))
            .execute(&mut self.db().await?)
            .await
            .map_err(backend)?;
        Ok(())
    }

    async fn load(&self, secret: &Secret) -> session_store::Result<Option<Record>> {
        let row = query("SELECT data, expires_at FROM log_ins WHERE secret_hash = $1 AND expires_at > $2")
            .bind(key(secret))
            .bind(OffsetDateTime::now_utc().unix_timestamp())
            .fetch_optional(&mut self.db().await?)
            .await
            .map_err(backend)?;
        let Some(row) = row else { return Ok(None) };
        let decode = |error: String| session_store::Error::Decode(error);
        let data = serde_json::from_str(row.try_get("data").map_err(backend)?);
        let expiry = OffsetDateTime::from_unix_timestamp(row.try_get("expires_at").map_err(backend)?);
        Ok(Some(Record {
            id: *secret,
            data: data.map_err(|error| decode(error.to_string()))?,
            expiry_date: expiry.map_err(|error| decode(error.to_string()))?,
        }))
    }

    async fn delete(&self, secret: &Secret) -> session_store::Result<()> {
        Self::end(&mut self.db().await?, secret).await.map_err(backend)
    }
}

fn log_in(record: &Record) -> Option<LogIn> {
    serde_json::from_value(record.data.get(KEY)?.clone()).ok()
}

fn encode(record: &Record) -> session_store::Result<String> {
    serde_json::to_string(&record.data).map_err(|error| session_store::Error::Encode(error.to_string()))
}

fn backend(error: sqlx::Error) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

/// What the table knows a secret by: who reads the file cannot log in with what it says.
fn key(secret: &Secret) -> String {
    Sha256::digest(secret.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The secret that the layer would find: of several cookies the last, whatever stands beside it.
fn secret(headers: &HeaderMap) -> Option<Secret> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| str::from_utf8(value.as_bytes()).ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .rfind(|(name, _)| *name == COOKIE)
        .and_then(|(_, value)| Secret::from_str(value).ok())
}
