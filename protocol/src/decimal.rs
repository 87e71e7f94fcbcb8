//! Numbers as decimal text, without the formatting machinery: that alone was 5 kB of a page's gzipped wasm.

/// The decimal digits of `number`.
pub(crate) fn decimal(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from(b'0' + (number % 10) as u8));
        number /= 10;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
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
