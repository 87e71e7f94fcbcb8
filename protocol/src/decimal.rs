//! Numbers as decimal text, without the formatting machinery: that alone was 5 kB of a page's gzipped wasm.

/// Decimal digits of `u64::MAX`.
pub(crate) const DIGITS_MAX: usize = 20;

/// The decimal digits of `number`, written to the end of `room`.
pub(crate) fn digits(mut number: u64, room: &mut [u8; DIGITS_MAX]) -> &[u8] {
    let mut from = DIGITS_MAX;
    loop {
        from -= 1;
        room[from] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &room[from..];
        }
    }
}

/// The same as text.
pub(crate) fn decimal(number: u64) -> String {
    digits(number, &mut [0; DIGITS_MAX]).iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn the_digits_are_those_of_the_standard_library() {
        for number in [0, 9, 10, 1_042, u64::MAX] {
            assert_eq!(decimal(number), number.to_string());
        }
    }
}
