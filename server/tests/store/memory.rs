//! [`Memory`]: nothing outlives it.

use tidings_server::{Memory, StoreError};

use crate::{
    place::Place,
    run::{Run, key, said},
};

struct Nowhere;

impl Place for Nowhere {
    type Store = Memory;

    async fn fresh() -> Self {
        Self
    }

    fn store(&self) -> Memory {
        Memory::new()
    }
}

every_store!(crate::memory::Nowhere);

#[tokio::test]
async fn keys_are_bounded() {
    let run = Run::open(&Nowhere).await;
    for n in 0..100_000 {
        run.append(vec![said("kept")], Some(key(&n.to_string(), "kept"))).await.expect("sent");
    }
    let refused = run.append(vec![said("more")], Some(key("one more", "more"))).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let again = run.append(vec![said("kept")], Some(key("7", "kept"))).await.expect("known");
    assert!(again.duplicate);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_forgotten_after_five_minutes() {
    let run = Run::open(&Nowhere).await;
    let send = async || run.append(vec![said("1")], Some(key("k", "1"))).await.expect("sent").duplicate;
    assert!(!send().await);
    tokio::time::advance(std::time::Duration::from_secs(299)).await;
    assert!(send().await);
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    assert!(!send().await);
}

#[tokio::test]
async fn every_client_of_the_run_before_is_told() {
    let before = Run::open(&Nowhere).await;
    let cursor = before.say("1").await;
    let run = Run::open(&Nowhere).await;
    assert_eq!(run.resume(&cursor).await, crate::run::Resumed::Epoch);
}
