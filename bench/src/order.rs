//! Whether a stream's events come complete and in order, whoever sends them.
//!
//! Events are recognised by the number in their payload, `"n":17`, so it makes no difference how a server frames,
//! chunks or splits them.

use memchr::memmem::Finder;

/// Before the number.
pub const MARKER: &str = "\"n\":";

/// Reads the numbers of one stream.
#[derive(Debug, Default)]
pub struct Order {
    /// What has come of a line whose end has not.
    tail: Vec<u8>,
    /// The number that came last.
    last: Option<u64>,
    /// How many came that were not the last plus one.
    pub wrong: u64,
}

impl Order {
    /// Takes the next bytes; how many events ended in them.
    pub fn read(&mut self, bytes: &[u8], finder: &Finder<'_>) -> u64 {
        let whole = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        let mut count = 0;
        if whole > 0 && !self.tail.is_empty() {
            let first = memchr::memchr(b'\n', bytes).map_or(whole, |at| at + 1);
            let mut line = std::mem::take(&mut self.tail);
            line.extend_from_slice(&bytes[..first]);
            count += self.lines(&line, finder) + self.lines(&bytes[first..whole], finder);
            line.clear();
            self.tail = line;
        } else {
            count += self.lines(&bytes[..whole], finder);
        }
        self.tail.extend_from_slice(&bytes[whole..]);
        count
    }

    fn lines(&mut self, lines: &[u8], finder: &Finder<'_>) -> u64 {
        let mut count = 0;
        for at in finder.find_iter(lines) {
            let digits = lines[at + MARKER.len()..].iter().take_while(|byte| byte.is_ascii_digit());
            let n = digits.fold(0_u64, |n, digit| n.wrapping_mul(10) + u64::from(digit - b'0'));
            self.wrong += u64::from(self.last.is_some_and(|last| n != last + 1));
            self.last = Some(n);
            count += 1;
        }
        count
    }

    /// The next event may have any number: what comes to others is not missed here.
    pub fn skip(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_however_they_are_cut_and_what_is_missing_or_repeated_is_wrong() {
        let finder = Finder::new(MARKER);
        let stream = |numbers: &[u64]| -> Vec<u8> {
            let event =
                |n: &u64| format!("id: e-{n}\ndata: {{\"type\":\"tick\",\"data\":{{\"n\":{n}}}}}\n\n");
            numbers.iter().map(event).collect::<String>().into_bytes()
        };
        for (numbers, wrong) in [(&[7, 8, 9, 10][..], 0), (&[7, 9], 1), (&[7, 7], 1), (&[8, 7, 8], 1)] {
            let bytes = stream(numbers);
            for size in 1..bytes.len() {
                let mut order = Order::default();
                let count: u64 = bytes.chunks(size).map(|chunk| order.read(chunk, &finder)).sum();
                assert_eq!((count, order.wrong), (numbers.len() as u64, wrong), "{numbers:?} by {size}");
            }
        }
    }
}
