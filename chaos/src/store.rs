//! Which store a server is run with, and whatever that needs.

use std::{net::SocketAddr, path::Path};

use crate::{error::Result, options::StoreKind, postgres::Postgres, redis::Redis};

/// A server of a store, which can be killed.
#[derive(Debug)]
pub(crate) enum Database {
    Postgres(Postgres),
    Redis(Redis),
}

impl Database {
    pub(crate) fn kill(&mut self) -> Result {
        match self {
            Self::Postgres(postgres) => postgres.kill(),
            Self::Redis(redis) => redis.kill(),
        }
    }

    /// Starts it where it was killed, and waits until it answers.
    pub(crate) fn resume(&mut self) -> Result {
        match self {
            Self::Postgres(postgres) => postgres.resume(),
            Self::Redis(redis) => redis.resume(),
        }
    }

    /// Removes what it has written, where that can be done; it does not run.
    pub(crate) fn lose(&self) -> Result {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Redis(redis) => redis.lose(),
        }
    }

    /// Has it stand still, or go on, where that can be done.
    pub(crate) fn freeze(&self, frozen: bool) -> Result {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Redis(redis) => redis.freeze(frozen),
        }
    }

    /// Where it listens, for a network that can be cut.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Postgres(_) => None,
            Self::Redis(redis) => Some(redis.address()),
        }
    }
}

/// One that is there.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) url: String,
    pub(crate) database: Option<Database>,
}

/// A store, and how many instances are on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) kind: StoreKind,
    pub(crate) instances: usize,
}

impl StoreKind {
    /// With so many instances on it.
    pub(crate) const fn under(self, instances: usize) -> Setup {
        Setup { kind: self, instances }
    }

    /// What has been acknowledged outlives the server's process.
    pub(crate) fn is_durable(self) -> bool {
        self != Self::Memory
    }

    /// Several instances can have it.
    pub(crate) const fn is_shared(self) -> bool {
        matches!(self, Self::Postgres | Self::Redis)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }

    /// A new one, with its files in `folder`.
    pub(crate) fn make(self, folder: &Path) -> Result<Store> {
        Ok(match self {
            Self::Memory => Store { url: "memory:".to_owned(), database: None },
            Self::Sqlite => {
                Store { url: format!("sqlite:{}", folder.join("tidings.sqlite").display()), database: None }
            }
            Self::Redis => {
                let database = Redis::start(folder)?;
                let url = format!("redis://{}", database.address());
                Store { url, database: Some(Database::Redis(database)) }
            }
            Self::Postgres => {
                let database = Postgres::start(folder)?;
                Store { url: database.url(), database: Some(Database::Postgres(database)) }
            }
        })
    }
}
