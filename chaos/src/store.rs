//! Which store a server is run with, and whatever that needs.

use std::path::Path;

use crate::{error::Result, options::StoreKind, postgres::Postgres};

/// One that is there.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) url: String,
    pub(crate) database: Option<Postgres>,
}

impl StoreKind {
    /// What has been acknowledged outlives the server's process.
    pub(crate) fn is_durable(self) -> bool {
        self != Self::Memory
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// A new one, with its files in `folder`.
    pub(crate) fn make(self, folder: &Path) -> Result<Store> {
        Ok(match self {
            Self::Memory => Store { url: "memory:".to_owned(), database: None },
            Self::Sqlite => {
                Store { url: format!("sqlite:{}", folder.join("tidings.sqlite").display()), database: None }
            }
            Self::Postgres => {
                let database = Postgres::start(folder)?;
                Store { url: database.url(), database: Some(database) }
            }
        })
    }
}
