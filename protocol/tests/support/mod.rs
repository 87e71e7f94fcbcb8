//! A virtual clock, a wire that cuts, stalls and delays, a server that crashes, and a page that fetches.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod browser;
pub mod pair;
pub mod server;
pub mod wire;
pub mod world;

/// SplitMix64: equal seeds make equal runs.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    pub fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}
