//! Where a served hub keeps its log: the one place that knows which stores there are.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use protocol::RawEvent;
use tidings_server::{
    Config, Hub, Postgres, Redis, Sqlite, StartError, StoreError,
    store::{PostgresOptions, RedisOptions, Store},
};

use crate::exit::Failure;

/// What `--store` is where nobody says otherwise.
pub(crate) const DEFAULT: &str = "sqlite:tidings.sqlite";

/// For a database that does not answer: the process ends all the same.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A store by its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreUrl {
    /// `memory:`, gone with the process.
    Memory,
    /// `sqlite:path`, a file of this machine.
    Sqlite(PathBuf),
    /// `postgres://…`, shared by several instances.
    Postgres(String),
    /// `redis://…` and its kin, shared by several instances.
    Redis(String),
}

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("sqlite", "")) => Err("sqlite: needs a file, as in sqlite:tidings.sqlite".to_owned()),
            Some(("sqlite", path)) => Ok(Self::Sqlite(path.strip_prefix("//").unwrap_or(path).into())),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::Postgres(text.to_owned()))
            }
            Some((scheme, rest)) if is_redis(scheme) && rest.starts_with("//") => {
                // What cannot be read is refused before anything is started.
                Redis::new(text, RedisOptions::default()).map_err(|error| error.to_string())?;
                Ok(Self::Redis(text.to_owned()))
            }
            _ => Err("it is no store: there are memory:, sqlite:FILE, postgres://… and redis://…".to_owned()),
        }
    }
}

impl fmt::Display for StoreUrl {
    /// Without what may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_secrets(url, "postgres")),
            Self::Redis(url) => f.write_str(&without_secrets(url, url.split(':').next().unwrap_or_default())),
        }
    }
}

/// A hub, and what to end its run with.
pub(crate) struct Started {
    pub(crate) hub: Hub<RawEvent>,
    store: Option<Box<dyn Store>>,
}

impl StoreUrl {
    /// A hub over it.
    pub(crate) async fn start(&self, config: Config) -> Result<Started, Failure> {
        let started = match self {
            Self::Memory => Hub::in_memory(config).await.map(|hub| Started { hub, store: None }),
            Self::Sqlite(path) => start(Sqlite::at(path), config).await,
            Self::Postgres(url) => {
                let store = Postgres::new(url, PostgresOptions::default())
                    .map_err(|error| Failure::Usage(format!("{self}: {error}")))?;
                start(store, config).await
            }
            Self::Redis(url) => {
                let store = Redis::new(url, RedisOptions::default())
                    .map_err(|error| Failure::Usage(format!("{self}: {error}")))?;
                start(store, config).await
            }
        };
        started.map_err(|error| {
            let is_away = matches!(&error, StartError::Store(StoreError::Unavailable(_)));
            let hint = match self {
                Self::Postgres(_) | Self::Redis(_) if is_away => {
                    ": see that it runs and can be reached from here, or name another one with --store"
                }
                _ => "",
            };
            Failure::Failed(format!("{self}: {error}{hint}"))
        })
    }
}

fn is_redis(scheme: &str) -> bool {
    matches!(scheme.split('+').next(), Some("redis" | "rediss" | "valkey" | "valkeys"))
}

fn without_secrets(url: &str, scheme: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{}", place.split('?').next().unwrap_or_default())
}

async fn start(store: impl Store + Clone, config: Config) -> Result<Started, StartError> {
    let hub = Hub::start(config, store.clone()).await?;
    Ok(Started { hub, store: Some(Box::new(store)) })
}

impl Started {
    /// Ends the run: the next one may begin. What was acknowledged is kept in any case.
    pub(crate) async fn close(self) {
        let Some(store) = self.store else { return };
        match tokio::time::timeout(CLOSE_TIMEOUT, store.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the store was not closed"),
            Err(_) => tracing::warn!("the store was not closed in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_named_by_url_and_shown_without_passwords() {
        for (text, shown) in [
            ("memory:", "memory:"),
            ("sqlite:tidings.sqlite", "sqlite:tidings.sqlite"),
            ("sqlite:///var/lib/t.sqlite", "sqlite:/var/lib/t.sqlite"),
            ("postgres://me:p@ss@db:5432/t?sslmode=require", "postgres://db:5432/t"),
            ("redis://:p@ss@cache:6379/2", "redis://cache:6379/2"),
            ("redis+sentinel://a,b/?master=m&sentinel_password=p", "redis+sentinel://a,b/"),
        ] {
            assert_eq!(text.parse::<StoreUrl>().map(|store| store.to_string()).as_deref(), Ok(shown));
        }
        for text in ["", "memory", "memory:x", "sqlite:", "redis:x", "redis+sentinel://a", "postgres:x"] {
            assert!(text.parse::<StoreUrl>().is_err(), "{text}");
        }
    }
}
