//! The app's event enum, as the rest of Tidings sees it.

use serde::{Serialize, de::DeserializeOwned};

use crate::Shape;

/// The one list of what a backend may tell a page: an enum with
/// `#[serde(tag = "type", content = "data", rename_all = "snake_case")]`, every variant with a payload.
///
/// # Example
/// ```
/// use protocol::{Contract, Delivery, NoApplicationError};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, Serialize, Deserialize)]
/// #[serde(tag = "type", content = "data", rename_all = "snake_case")]
/// enum Event {
///     OrderShipped { order: String },
///     Typing { user: String },
/// }
///
/// impl Contract for Event {
///     const REVISION: u32 = 1;
///     const HASH: &'static str = "5f2c";
///     const NAMES: &'static [&'static str] = &["order_shipped", "typing"];
///     type ApplicationError = NoApplicationError;
///     const APPLICATION_ERROR: Option<&'static str> = None;
///
///     fn name(&self) -> &'static str {
///         match self {
///             Self::OrderShipped { .. } => "order_shipped",
///             Self::Typing { .. } => "typing",
///         }
///     }
///
///     fn delivery(&self) -> Delivery {
///         match self {
///             Self::OrderShipped { .. } => Delivery::Durable,
///             Self::Typing { .. } => Delivery::LiveOnly,
///         }
///     }
///
///     fn application_error(error: NoApplicationError) -> Self {
///         match error {}
///     }
/// }
/// ```
pub trait Contract: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Rises by one whenever [`Contract::HASH`] changes. A page whose revision is lower than the server's is
    /// told that a newer version of it exists.
    const REVISION: u32;

    /// A hash of the generated TypeScript: equal contracts have equal hashes.
    const HASH: &'static str;

    /// Every event name, in the order of the enum; empty where [`Contract::knows`] says otherwise.
    const NAMES: &'static [&'static str];

    /// The shape of every event's payload, in the order of [`Contract::NAMES`]: the check that a browser runs.
    /// `None` lets it run the derived `Deserialize` instead, at several times the download.
    const SHAPES: Option<&'static [Shape]> = None;

    /// What the application error of this contract carries; [`NoApplicationError`] where there is none.
    type ApplicationError;

    /// The name of the event that says that something in the app failed.
    const APPLICATION_ERROR: Option<&'static str>;

    /// Whether `name` is an event of this contract. A contract without a closed set of names, such as
    /// [`RawEvent`](crate::RawEvent), knows every one.
    fn knows(name: &str) -> bool {
        Self::NAMES.contains(&name)
    }

    /// The `type` of this value on the wire, one of [`Contract::NAMES`] where that is the whole set.
    fn name(&self) -> &str;

    /// Whether this event outlives the moment.
    fn delivery(&self) -> Delivery {
        Delivery::Durable
    }

    /// The application error as an event.
    fn application_error(error: Self::ApplicationError) -> Self;
}

/// How long an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Replayed to who was away.
    #[default]
    Durable,
    /// For who is there now (presence, typing, progress): takes its place in the order, is never replayed.
    LiveOnly,
}

/// The application error of a contract that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoApplicationError {}
