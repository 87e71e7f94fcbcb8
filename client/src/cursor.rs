//! Where a client's position outlives its process.

use std::{fmt, future::Future, io, path::PathBuf, pin::Pin, sync::Arc};

use protocol::EventId;

/// Keeps the position up to which every event has been handled.
///
/// [`CursorStore::save`] is called when the reader asks for the next item, which says that the one before is
/// handled. So an event that was being handled when the process died comes again, and every other comes once.
/// Nothing is saved from a gap until its [`Resync`](crate::Resync) is done: a crash in between meets the gap again.
///
/// # Example
/// ```
/// use std::{io, sync::Mutex};
/// use tidings_client::{CursorStore, EventId};
///
/// #[derive(Default)]
/// struct Kept(Mutex<Option<EventId>>);
///
/// impl CursorStore for Kept {
///     async fn load(&self) -> io::Result<Option<EventId>> {
///         Ok(self.0.lock().map_err(|_| io::Error::other("poisoned"))?.clone())
///     }
///     async fn save(&self, cursor: &EventId) -> io::Result<()> {
///         *self.0.lock().map_err(|_| io::Error::other("poisoned"))? = Some(cursor.clone());
///         Ok(())
///     }
/// }
/// ```
pub trait CursorStore: Send + Sync + 'static {
    /// What was saved last; `None` for a client that never stood anywhere. Asked once, before the first attempt.
    ///
    /// # Errors
    /// The client does not start: to begin afresh would lose in silence what the store knows.
    fn load(&self) -> impl Future<Output = io::Result<Option<EventId>>> + Send;

    /// Keeps `cursor` instead of what was saved before. The next item waits for it.
    ///
    /// # Errors
    /// Told as [`Error::Cursor`](crate::Error::Cursor); the stream goes on and the next position is saved.
    fn save(&self, cursor: &EventId) -> impl Future<Output = io::Result<()>> + Send;
}

/// A position in a file of its own, replaced as a whole so that a crash leaves the old or the new one.
///
/// # Example
/// ```
/// use tidings_client::CursorFile;
/// let store = CursorFile::new("/var/lib/app/tidings.cursor");
/// ```
#[derive(Debug, Clone)]
pub struct CursorFile {
    path: PathBuf,
}

impl CursorFile {
    /// The file at `path`; its folder must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn read(&self) -> io::Result<Option<EventId>> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match text.trim() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }

    fn replace(&self, cursor: &EventId) -> io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        std::fs::write(&beside, format!("{cursor}\n"))?;
        std::fs::rename(&beside, &self.path)
    }
}

impl CursorStore for CursorFile {
    async fn load(&self) -> io::Result<Option<EventId>> {
        self.read()
    }

    /// Written by the calling thread: 64 bytes are done sooner than another thread is woken. Not synced to the
    /// disk: after a power cut the older position brings some events again.
    async fn save(&self, cursor: &EventId) -> io::Result<()> {
        self.replace(cursor)
    }
}

/// [`CursorStore`] with its futures boxed and owned, so that a client need not be generic over it.
pub(crate) trait Keep: Send + Sync {
    fn load(self: Arc<Self>) -> Answer<Option<EventId>>;
    fn save(self: Arc<Self>, cursor: EventId) -> Answer<()>;
}

pub(crate) type Answer<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl<S: CursorStore> Keep for S {
    fn load(self: Arc<Self>) -> Answer<Option<EventId>> {
        Box::pin(async move { CursorStore::load(&*self).await })
    }

    fn save(self: Arc<Self>, cursor: EventId) -> Answer<()> {
        Box::pin(async move { CursorStore::save(&*self, &cursor).await })
    }
}

impl fmt::Debug for dyn Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorStore")
    }
}
