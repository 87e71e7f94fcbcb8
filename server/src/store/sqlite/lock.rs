//! One process at a time: an advisory lock on a file beside the database.
//!
//! SQLite's own locks last a transaction; two writers that both count would give every id twice. The
//! system lets go of this one when the process is gone, however it went.

use std::{
    fs::{File, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::Instant;

use crate::store::StoreError;

/// Between two tries: a drained process is followed by the next within what nobody notices.
const AGAIN: Duration = Duration::from_millis(20);

/// Held as long as this lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `database`, waiting for another process to let go of it.
    pub(super) async fn take(database: &Path, wait: Duration) -> Result<Self, StoreError> {
        let path = beside(database);
        let unavailable =
            |error: &std::io::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| unavailable(&error))?;
        let until = Instant::now() + wait;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(unavailable(&error)),
                Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                    return Err(in_use(database, &mut file, wait));
                }
                Err(TryLockError::WouldBlock) => tokio::time::sleep(AGAIN).await,
            }
        }
        // Only for people; a disk that is full is said by what needs it.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

/// The lock file: it stays, since removing it would let two processes lock two files of one name.
fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".tidings-lock");
    name.into()
}

fn in_use(database: &Path, file: &mut File, waited: Duration) -> StoreError {
    let mut holder = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut holder));
    let holder = if holder.is_empty() { "another process".to_owned() } else { format!("process {holder}") };
    StoreError::InUse(format!(
        "{holder} has {} and did not let go of it in {} s: stop it, or give this one a file of its own",
        database.display(),
        waited.as_secs_f32(),
    ))
}
