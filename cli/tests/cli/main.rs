//! The real binary: what it prints, where, and how it exits.

mod help;
mod listening;
mod probing;
mod proxies;
mod publishing;
mod redis;
mod serving;
mod shared;
mod support;
mod wire;
