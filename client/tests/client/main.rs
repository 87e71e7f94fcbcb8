//! The native client against a real server on real sockets.

mod cursors;
mod events;
mod gaps;
mod leaving;
mod network;
mod reconnecting;
mod refusals;
mod slow;
mod support;
mod ways;
