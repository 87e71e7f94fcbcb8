//! What a delivered event costs, as a ratio to a floor that is measured in the same run on the same machine.
//!
//! [`scenario`] plays, [`swarm`] reads, [`subject`] has the servers, [`cost`] is what the kernel says about them and
//! [`report`] tells. Nothing here is part of a server.

pub mod chart;
pub mod cost;
pub mod count;
pub mod house;
pub mod measure;
pub mod order;
pub mod process;
pub mod report;
pub mod scenario;
pub mod subject;
pub mod swarm;
