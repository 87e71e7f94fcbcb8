//! Schemas that are not ours to use.

use super::place::Schema;
use crate::place::Place as _;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_schema_of_somebody_else_or_of_a_newer_version_is_left_alone() {
    let place = Schema::fresh().await;
    place.execute(&format!("CREATE SCHEMA {0}; CREATE TABLE {0}.theirs ()", place.name)).await;
    let refused = place.store().migrate().await;
    assert!(matches!(refused, Err(tidings_server::StoreError::Foreign(_))), "{refused:?}");
    let place = Schema::fresh().await;
    let (a, b) = (place.store(), place.store());
    let (one, two) = tokio::join!(a.migrate(), b.migrate());
    one.and(two).expect("both, whoever is first");
    place.execute("INSERT INTO migrations (version) VALUES (99)").await;
    let refused = place.store().migrate().await;
    assert!(matches!(refused, Err(tidings_server::StoreError::Foreign(_))), "{refused:?}");
}
