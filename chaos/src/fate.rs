//! What becomes of one connection, drawn from the run's seed.

/// The way of a connection and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) ending: Ending,
    /// Whose bytes are counted.
    pub(crate) direction: Direction,
    /// Bytes that pass before the end.
    pub(crate) after: u64,
    /// Bytes that are written at once.
    pub(crate) piece: usize,
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Only when an end leaves.
    Natural,
    /// Both sides are closed in order, in the middle of whatever it was.
    Cut,
    /// Both sides get a reset.
    Reset,
    /// Nothing passes any more, and nobody is told.
    BlackHole,
}

/// The way that bytes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// More than a connection's head, less than what an hour brings.
const AFTER_MAX_BITS: u8 = 16;

impl Fate {
    const CLEAN: Self =
        Self { ending: Ending::Natural, direction: Direction::ToClient, after: u64::MAX, piece: usize::MAX };

    /// The fate of connection `number` of a bad network. Lengths are drawn evenly over their magnitude, so that heads,
    /// hellos and single events are cut as often as long streams.
    pub(crate) fn draw(seed: u64, number: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let ending = match random.u8(..100) {
            0..50 => Ending::Cut,
            50..75 => Ending::Reset,
            75..88 => Ending::BlackHole,
            _ => return Self::CLEAN,
        };
        let direction = if random.u8(..10) == 0 { Direction::ToServer } else { Direction::ToClient };
        let magnitude = random.u8(4..=AFTER_MAX_BITS);
        // At least one: what has passed is counted in storms only, and none has passed at the beginning.
        let after = random.u64(1..1 << magnitude);
        // Byte by byte costs both ends a system call each: the shorter ones are enough.
        let piece = if magnitude <= 12 && random.u8(..4) == 0 { 1 } else { usize::MAX };
        Self { ending, direction, after, piece }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_fates_again_and_every_kind_of_them() {
        let drawn = |seed| (0..1_000).map(|number| Fate::draw(seed, number)).collect::<Vec<_>>();
        let fates = drawn(7);
        assert_eq!(fates, drawn(7));
        assert_ne!(fates, drawn(8));
        for ending in [Ending::Natural, Ending::Cut, Ending::Reset, Ending::BlackHole] {
            assert!(fates.iter().filter(|fate| fate.ending == ending).count() > 50, "{ending:?}");
        }
        assert!(fates.iter().all(|fate| fate.after > 0), "one would be cut in clear weather");
        assert!(fates.iter().any(|fate| fate.piece == 1));
        assert!(fates.iter().any(|fate| fate.direction == Direction::ToServer));
        assert!(fates.iter().any(|fate| fate.after < 200) && fates.iter().any(|fate| fate.after > 20_000));
    }
}
