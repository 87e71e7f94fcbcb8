//! The native client: the browser's subscriber over tokio, as a stream of typed events.
//!
//! ```no_run
//! use tidings_client::{Client, Item, protocol::Contract};
//!
//! async fn listen<Event: Contract + std::fmt::Debug>() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut client = Client::<Event>::builder("https://app.example/sse").bearer("token").connect().await?;
//!     while let Some(item) = client.next().await {
//!         match item {
//!             Item::Event { data, meta } => println!("{:?} {data:?}", meta.id),
//!             // Something may have been missed: fetch, then say so. Events are held until then.
//!             Item::Gap { resync, .. } => resync.done(),
//!             Item::Error(error) => eprintln!("{error}"),
//!             _ => {}
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # The parts
//!
//! | part | what it is |
//! |---|---|
//! | [`Client`] | the stream; dropping it ends everything at once |
//! | [`ClientBuilder`] | where to, as whom, from where on, through which proxy |
//! | [`Item`], [`Resync`] | what comes out, and the guard that holds events back after a gap |
//! | [`Auth`], [`Credentials`] | credentials that are asked for before every attempt |
//! | [`CursorStore`], [`CursorFile`] | where the position outlives the process |
//!
//! # What is promised
//!
//! Every event that the server committed and the user may see comes once and in order, or an [`Item::Gap`]
//! comes before anything newer. With a [`CursorStore`] that holds over restarts, except that the item that was
//! being handled when the process died comes again.
//!
//! The client reads no further while its reader does not take what there is: a slow reader costs the memory of
//! [`ClientBuilder::buffer`] items and one read of the socket, then the server waits, cuts it, and what it missed
//! comes when it returns.

mod alive;
mod auth;
mod builder;
mod client;
mod clock;
mod cursor;
mod driver;
mod error;
mod fetch;
mod item;
mod queue;
mod tls;

pub use protocol;

pub use auth::{Auth, AuthError, AuthReason, Credentials};
pub use builder::ClientBuilder;
pub use client::Client;
pub use cursor::{CursorFile, CursorStore};
pub use error::{ConnectError, Error};
pub use fetch::reason_of;
pub use item::{EventMeta, Item, Resync};
pub use protocol::{EventId, ResyncReason, State};
pub use reqwest::Client as HttpClient;
