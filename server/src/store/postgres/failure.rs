//! What a failed statement leaves behind: nothing, or nobody knows.

use crate::store::StoreError;

/// A statement that gave no answer, or the wrong one.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing of it was committed.
    Nothing(StoreError),
    /// It may have been committed: the connection was lost between question and answer.
    Unknown(StoreError),
}

impl Failure {
    /// No answer within the bound.
    pub(super) fn silence() -> Self {
        Self::Unknown(StoreError::Unavailable("the database did not answer in time".to_owned()))
    }

    /// No connection within the bound.
    pub(super) fn unreachable(reason: impl ToString) -> Self {
        Self::Nothing(StoreError::Unavailable(reason.to_string()))
    }

    /// Whether the same again may succeed without anybody's doing.
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Self::Nothing(error) | Self::Unknown(error) => error.is_retryable(),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Nothing(error) | Failure::Unknown(error) => error,
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(answer) => {
                let code = answer.code().unwrap_or_default().into_owned();
                let said = answer.to_string();
                // PostgreSQL's manual, appendix A: the first two characters are the class.
                match (code.as_str(), code.get(..2).unwrap_or_default()) {
                    // The server ends the session; the commit may have been just before.
                    ("57P01" | "57P02" | "57P03" | "57P05", _) => {
                        Self::Unknown(StoreError::Unavailable(said))
                    }
                    // Timeouts, deadlocks, no room, no more connections, a standby that was the primary.
                    // Or a statement prepared for a table that has been made anew since.
                    ("0A000" | "25006" | "26000" | "55P03", _) | (_, "08" | "40" | "53" | "57" | "58") => {
                        Self::Nothing(StoreError::Unavailable(said))
                    }
                    // A table or function of ours is not there, or not ours to use.
                    (_, "42" | "3F" | "28" | "3D") => Self::Nothing(StoreError::Foreign(said)),
                    _ => Self::Nothing(StoreError::Corrupt(said)),
                }
            }
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Self::unreachable(error),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
                Self::Nothing(StoreError::Corrupt(error.to_string()))
            }
            _ => Self::Unknown(StoreError::Unavailable(error.to_string())),
        }
    }
}
