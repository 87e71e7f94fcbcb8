//! The event contract of the coaching platform: every fact the backend may tell a page, as one enum.
//!
//! From [`Event`] come the server's API, the generated TypeScript in `ts/` and the check that runs in the
//! browser before a handler is called. This crate holds shapes only: no transport, no storage, no clock.
//!
//! # Example
//! ```
//! use protocol::Contract;
//! use tidings_bindings::{Event, Id};
//!
//! let event = Event::ActionDeleted {
//!     coaching_session_id: Id::from_u128(1),
//!     action_id: Id::from_u128(2),
//! };
//! assert_eq!(event.name(), "action_deleted");
//! assert_eq!(
//!     serde_json::to_string(&event)?,
//!     r#"{"type":"action_deleted","data":{"coaching_session_id":"00000000-0000-0000-0000-000000000001","action_id":"00000000-0000-0000-0000-000000000002"}}"#,
//! );
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # How to add an event
//! In one place: a variant of [`Event`], always with named fields or with one struct as its payload.
//!
//! ```
//! # use tidings_bindings::Id;
//! enum Event {
//!     // …
//!     /// A coaching session was called off.
//!     CoachingSessionCancelled {
//!         /// The session.
//!         coaching_session_id: Id,
//!         /// What the coach wrote to the coachee.
//!         message: String,
//!     },
//! }
//! ```
//!
//! Its name (`coaching_session_cancelled`), its TypeScript, the member `EventType.CoachingSessionCancelled` and
//! the revision of the contract follow: `cargo xtask bindings` writes them. It stops and says so until
//! `fixtures/coaching_session_cancelled.json` holds one value as it looks on the wire. An event that only matters
//! to who is there now is also named in `Event::delivery`.
//!
//! # How values look in TypeScript
//! | Rust | TypeScript | on the wire |
//! |---|---|---|
//! | [`Id`] | `Id`, a `string` | a hyphenated UUID |
//! | [`Timestamp`] | `Timestamp`, a `string`: `JSON.parse` makes no `Date` | RFC 3339 `date-time` |
//! | [`CalendarDate`] | `CalendarDate`, a `string` | RFC 3339 `full-date` |
//! | `Option<T>` of an entity | `field?: T \| null` | read absent or `null`, written absent |
//! | `Option<T>` of a topic or an application error | `field: T \| null` | always there |
//! | integers of more than 32 bits | refused by a test: `JSON.parse` rounds them | – |

mod application_error;
mod contract;
mod date;
mod entity;
mod event;
mod id;
mod option;
#[rustfmt::skip]
mod shapes;
mod version;

pub use application_error::{About, ApplicationError, ErrorCode, Subject};
pub use date::{CalendarDate, InvalidDate, Timestamp};
pub use entity::{Action, Agreement, Goal, Note, Priority, Status, Topic, TopicStatus};
pub use event::{Event, Presence, Severity};
pub use id::{Id, InvalidId};
