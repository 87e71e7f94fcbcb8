//! What a value of the contract looks like once parsed, as data.
//!
//! A page that downloads the contract's derived `Deserialize` pays, in the coaching contract's case, 7 kB of gzip more
//! than for the same as data and one function that walks it. It says what serde says, and is generated from it.

/// The shape of one value.
///
/// # Example
/// ```
/// use protocol::{Field, Shape};
///
/// static ORDER: Shape = Shape::Record(&[
///     Field { name: "order", optional: false, shape: &Shape::Text },
///     Field { name: "lines", optional: true, shape: &Shape::List(&Shape::Integer { min: 0.0, max: 255.0 }) },
/// ]);
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// `true` or `false`.
    Bool,
    /// Any number.
    Number,
    /// A whole number within these bounds.
    Integer {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// Any text.
    Text,
    /// A text that its type accepts.
    Checked {
        /// What it should be, as in "expected a uuid".
        expected: &'static str,
        /// Whether a text is that.
        is_valid: fn(&str) -> bool,
    },
    /// One of these texts.
    Word(&'static [&'static str]),
    /// The shape, or `null`.
    Nullable(&'static Self),
    /// An array of the shape.
    List(&'static Self),
    /// An object with these fields, and perhaps others of a later version.
    Record(&'static [Field]),
}

/// A field of a [`Shape::Record`].
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// Whether it may be absent.
    pub optional: bool,
    /// What it is where it is there.
    pub shape: &'static Shape,
}
