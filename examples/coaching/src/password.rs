//! Passwords as argon2id hashes, made and checked away from the threads that serve.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{SaltString, rand_core::OsRng},
};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::failure::Failure;

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Cost {
    /// OWASP's least for argon2id: 19 MiB, two passes; 30 ms, where the hash is optimised as in `Cargo.toml`.
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2 }
    }
}

/// Makes and checks hashes, two at a time.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    /// Two: log-ins must not take all memory or all cores, however many ask at once.
    turns: Arc<Semaphore>,
    /// The hash of nobody's password, so that an unknown address takes as long as a wrong password.
    nobody: Arc<str>,
}

impl Passwords {
    pub(crate) fn new(cost: Cost) -> Result<Self, argon2::password_hash::Error> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon2, "nobody")?.into();
        Ok(Self { argon2, turns: Arc::new(Semaphore::new(2)), nobody })
    }

    pub(crate) async fn hash(&self, password: &str) -> Result<String, Failure> {
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        self.in_turn(move || hash(&argon2, &password)).await?.map_err(|_| Failure::Broken)
    }

    /// Whether `password` belongs to the hash; never for no hash, after the same time.
    pub(crate) async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool, Failure> {
        let known = stored.is_some();
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        let stored = stored.unwrap_or(&self.nobody).to_owned();
        let fits = self.in_turn(move || {
            let stored = PasswordHash::new(&stored)?;
            argon2.verify_password(password.as_bytes(), &stored)
        });
        Ok(fits.await?.is_ok() && known)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let _turn = self.turns.acquire().await.map_err(|_| Failure::Broken)?;
        spawn_blocking(work).await.map_err(|_| Failure::Broken)
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<String, argon2::password_hash::Error> {
    let salt = SaltString::generate(&mut OsRng);
    Ok(argon2.hash_password(password.as_bytes(), &salt)?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_person_fits() {
        let passwords = Passwords::new(Cost { memory_kib: 64, passes: 1 }).expect("valid parameters");
        let stored = passwords.hash("correct horse").await.expect("a hash");
        assert!(passwords.verify("correct horse", Some(&stored)).await.expect("an answer"));
        assert!(!passwords.verify("wrong horse", Some(&stored)).await.expect("an answer"));
        assert!(!passwords.verify("nobody", None).await.expect("an answer"));
    }
}
