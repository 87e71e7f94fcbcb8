//! Where a served hub keeps its log: the one place that knows which stores there are.

use std::{fmt, path::PathBuf, str::FromStr};

use protocol::RawEvent;
use tidings_server::{Config, Hub, Postgres, Sqlite, store::PostgresOptions};

use crate::exit::Failure;

/// What `--store` is where nobody says otherwise.
pub(crate) const DEFAULT: &str = "memory:";

/// A store by its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreUrl {
    /// `memory:`, gone with the process.
    Memory,
    /// `sqlite:path`, a file of this machine.
    Sqlite(PathBuf),
    /// `postgres://…`, shared by several instances.
    Postgres(String),
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
            _ => Err("it is no store: there are memory:, sqlite:FILE and postgres://…".to_owned()),
        }
    }
}

impl fmt::Display for StoreUrl {
    /// Without what may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let place = url.rsplit_once('@').map_or("…", |(_, place)| place);
                write!(f, "postgres://{}", place.split('?').next().unwrap_or_default())
            }
        }
    }
}

impl StoreUrl {
    /// A hub over it.
    pub(crate) async fn start(&self, config: Config) -> Result<Hub<RawEvent>, Failure> {
        let started = match self {
            Self::Memory => Hub::in_memory(config).await,
            Self::Sqlite(path) => Hub::start(config, Sqlite::at(path)).await,
            Self::Postgres(url) => {
                let store = Postgres::new(url, PostgresOptions::default());
                let store = store.map_err(|error| Failure::Usage(format!("{self}: {error}")))?;
                Hub::start(config, store).await
            }
        };
        started.map_err(|error| Failure::Failed(format!("{self}: {error}")))
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
        ] {
            assert_eq!(text.parse::<StoreUrl>().map(|store| store.to_string()).as_deref(), Ok(shown));
        }
        for text in ["", "memory", "memory:x", "sqlite:", "redis://x", "postgres:x"] {
            assert!(text.parse::<StoreUrl>().is_err(), "{text}");
        }
    }
}
