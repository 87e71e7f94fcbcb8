//! Randomness from the operating system: ids that cannot be guessed, and jitter.

use std::time::Duration;

/// 128 random bits in hex.
pub(crate) fn token() -> Result<String, getrandom::Error> {
    let mut bits = [0_u8; 16];
    getrandom::fill(&mut bits)?;
    Ok(hex(&bits))
}

/// A secret of 256 bits.
pub(crate) fn secret() -> Result<[u8; 32], getrandom::Error> {
    let mut bits = [0_u8; 32];
    getrandom::fill(&mut bits)?;
    Ok(bits)
}

/// Uniform between `low` and `high`. Jitter is no secret, so it costs no system call.
pub(crate) fn uniform(low: Duration, high: Duration) -> Duration {
    low + high.saturating_sub(low).mul_f64(fastrand::f64())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}
