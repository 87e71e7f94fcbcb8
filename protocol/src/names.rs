//! Names of groups as one text: what a page reads, and what its stream gives it.

/// All groups that a user may read, or those that are named.
///
/// As text: empty for all of them; else LF, and each name with LF behind it, since a name holds none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names(String);

/// Where there are more, all are asked for: an address has its length, and what tabs post its bound.
const MOST: usize = 100;

impl Names {
    /// None of them.
    pub fn none() -> Self {
        Self("\n".to_owned())
    }

    /// What [`Names::as_text`] gave.
    pub const fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_text(&self) -> &str {
        &self.0
    }

    /// Whether one of `names`, each followed by LF, is among them.
    pub(crate) fn meet(&self, names: &str) -> bool {
        pick(names, &self.0, true).len() > 1
    }

    /// Whether all of them are among `others`.
    pub(crate) fn are_in(&self, others: &Self) -> bool {
        others.0.is_empty() || !self.0.is_empty() && pick(&self.0, &others.0, false).len() == 1
    }

    /// Takes those of `others` in.
    pub(crate) fn add(&mut self, others: &str) {
        let more = pick(others, &self.0, false);
        self.0.push_str(&more[1..]);
        if others.is_empty() || self.0.bytes().filter(|byte| *byte == b'\n').count() > MOST + 1 {
            self.0.clear();
        }
    }

    /// Keeps what is among `others`, too.
    pub(crate) fn keep(&mut self, others: &Self) {
        self.0 = if self.0.is_empty() { others.0.clone() } else { pick(&self.0, &others.0, true) };
    }

    /// Leaves out those of a text. Of all, whose names are not known here, none are left.
    pub(crate) fn remove(&mut self, names: &str) {
        self.0 = pick(&self.0, names, false);
    }
}

/// LF, and the names of `text` that are among `others`, or those that are not, each with LF behind it.
fn pick(text: &str, others: &str, among: bool) -> String {
    let mut picked = "\n".to_owned();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, more) = cut(rest, b'\n');
        rest = more;
        if !name.is_empty() && has(others, name) == among {
            picked.push_str(name);
            picked.push('\n');
        }
    }
    picked
}

fn has(names: &str, name: &str) -> bool {
    let mut rest = names;
    while !rest.is_empty() {
        let (one, more) = cut(rest, b'\n');
        if one == name {
            return true;
        }
        rest = more;
    }
    names.is_empty()
}

/// What comes before the first `end`, and what after it.
///
/// By hand, since the searcher of `str::split` is larger than all that is done here.
pub(crate) fn cut(text: &str, end: u8) -> (&str, &str) {
    match text.bytes().position(|byte| byte == end) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Names};

    fn names(text: &str) -> Names {
        Names::from_text(text.replace(' ', "\n"))
    }

    #[test]
    fn all_are_a_set_like_any_other() {
        let (none, some, all) = (Names::none(), names(" a bb "), Names::default());
        for (one, other, is_in) in [
            (&none, &none, true),
            (&none, &some, true),
            (&none, &all, true),
            (&some, &none, false),
            (&some, &some, true),
            (&some, &all, true),
            (&all, &none, false),
            (&all, &some, false),
            (&all, &all, true),
        ] {
            assert_eq!(one.are_in(other), is_in, "{one:?} {other:?}");
            let mut both = one.clone();
            both.keep(other);
            assert!(both.are_in(one) && both.are_in(other), "{both:?}");
            let mut sum = other.clone();
            sum.add(one.as_text());
            assert!(one.are_in(&sum) && other.are_in(&sum), "{sum:?}");
        }
        assert!(some.meet("x\nbb\n") && !some.meet("b\n") && all.meet("x\n") && !none.meet("x\n"));
    }

    #[test]
    fn names_are_added_once_and_kept_where_both_have_them() {
        let mut one = names(" a b ");
        one.add("b\nc\n");
        assert_eq!(one, names(" a b c "));
        one.keep(&names(" c a x "));
        assert_eq!(one, names(" a c "));
        one.keep(&Names::default());
        assert_eq!(one, names(" a c "));
        one.remove("b\nc\n");
        assert_eq!(one, names(" a "));
        one.keep(&Names::none());
        assert_eq!(one, Names::none());
        let mut all = Names::default();
        all.remove("a\n");
        assert_eq!(all, Names::none());
        one.keep(&Names::default());
        assert_eq!(one, Names::none(), "none is not all");
    }

    #[test]
    fn of_too_many_all_are_meant() {
        let mut one = Names::none();
        for n in 0..=MOST {
            assert_ne!(one, Names::default());
            one.add(&format!("{n}\n"));
        }
        assert_eq!(one, Names::default());
    }
}
