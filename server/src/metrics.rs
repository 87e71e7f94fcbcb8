//! What a hub has done, counted from its start.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// The counters of a hub; cheap enough to be always on.
        #[derive(Debug, Default)]
        pub(crate) struct Metrics {
            $(pub(crate) $name: Counter,)*
        }

        /// All counters at one moment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        #[non_exhaustive]
        pub struct MetricsSnapshot {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Metrics {
            pub(crate) fn snapshot(&self) -> MetricsSnapshot {
                MetricsSnapshot { $($name: self.$name.0.load(Ordering::Relaxed),)* }
            }
        }

        impl MetricsSnapshot {
            /// Name and value of each, for an exporter.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Streams that began.
    connections_opened,
    /// Streams that ended.
    connections_closed,
    /// Events committed.
    events_sent,
    /// Events handed to a connection.
    deliveries,
    /// Bytes of them.
    delivered_bytes,
    /// Gaps said.
    gaps,
    /// Heartbeats written.
    heartbeats,
    /// Goodbyes said.
    goodbyes,
    /// Requests refused by `Authorize` or a revocation.
    refused,
    /// Requests refused because a user or an address had too many connections.
    over_limit,
    /// Requests from an origin that is not allowed.
    foreign_origin,
    /// Connections cut because a write made no progress.
    stalls_cut,
    /// Connections cut because they were blocked and had fallen below the floor.
    laggards_cut,
    /// Requests that the server could not answer in time.
    unavailable,
    /// Cursors of a log that the store does not know. A few after a restart without a store; if it keeps rising,
    /// another server with a log of its own answers the same clients.
    foreign_cursors,
}

/// A number that only rises.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
}
