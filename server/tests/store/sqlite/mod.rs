//! `Sqlite`: a file of its own per test.

mod damage;
mod failure;
mod kept;
mod kill;
mod lock;
mod place;

every_store!(crate::sqlite::place::File);
durable_store!(crate::sqlite::place::File);
outbox_store!(crate::sqlite::place::File);
