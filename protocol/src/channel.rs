//! What an audience becomes inside: named channels, and the bounded sets of them.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

/// The most channels one event may be addressed to: at the design's 1,000 the per-channel index of one event
/// stays below 100 KiB.
pub const CHANNELS_MAX: usize = 1_000;

/// The longest user id, group, login or connection name, in bytes.
pub const NAME_BYTES_MAX: usize = 256;

/// Of `connection:`.
const PREFIX_BYTES_MAX: usize = 11;

/// One line of the total order that a connection may read: a user's, a group's, or everyone's.
///
/// # Example
/// ```
/// use protocol::Channel;
/// assert_eq!(Channel::user("42")?.as_str(), "user:42");
/// # Ok::<(), protocol::ChannelError>(())
/// ```
#[derive(Debug, Clone, Eq, PartialOrd, Ord)]
pub struct Channel(Arc<str>);

impl PartialEq for Channel {
    fn eq(&self, other: &Self) -> bool {
        // Mostly one is a copy of the other, whose text need not be looked at.
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Hash for Channel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Channel {
    /// The channel of one user: `user:<id>`.
    ///
    /// # Errors
    /// [`ChannelError`] when the id is empty, longer than [`NAME_BYTES_MAX`] or holds a control character.
    pub fn user(id: &str) -> Result<Self, ChannelError> {
        Self::named("user:", id)
    }

    /// The channel of one group: `group:<name>`.
    ///
    /// # Errors
    /// As [`Channel::user`].
    pub fn group(name: &str) -> Result<Self, ChannelError> {
        Self::named("group:", name)
    }

    /// The channel of one log-in, on which only its revocation travels: `login:<id>`.
    ///
    /// # Errors
    /// As [`Channel::user`].
    pub fn login(id: &str) -> Result<Self, ChannelError> {
        Self::named("login:", id)
    }

    /// The channel of one connection, on which only its revocation travels: `connection:<id>`.
    ///
    /// # Errors
    /// As [`Channel::user`].
    pub fn connection(id: &str) -> Result<Self, ChannelError> {
        Self::named("connection:", id)
    }

    /// The channel everyone reads: `all`.
    pub fn all() -> Self {
        // Every connection reads it, and every event to everyone is compared with it.
        static ALL: OnceLock<Arc<str>> = OnceLock::new();
        Self(ALL.get_or_init(|| "all".into()).clone())
    }

    /// Reads a channel back from [`Channel::as_str`], as stores do.
    ///
    /// # Errors
    /// [`ChannelError::Kind`] when the prefix is none of the above, else as [`Channel::user`].
    pub fn parse(text: &str) -> Result<Self, ChannelError> {
        match text.split_once(':') {
            None if text == "all" => Ok(Self::all()),
            Some(("user", id)) => Self::user(id),
            Some(("group", name)) => Self::group(name),
            Some(("login", id)) => Self::login(id),
            Some(("connection", id)) => Self::connection(id),
            _ => Err(ChannelError::Kind),
        }
    }

    /// The channel as text, prefix included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The group's name, if this is a group's channel.
    pub fn group_name(&self) -> Option<&str> {
        self.0.strip_prefix("group:")
    }

    /// The connection's id, if this is a connection's channel.
    pub fn connection_id(&self) -> Option<&str> {
        self.0.strip_prefix("connection:")
    }

    fn named(prefix: &str, name: &str) -> Result<Self, ChannelError> {
        if name.is_empty() {
            return Err(ChannelError::Empty);
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(ChannelError::TooLong);
        }
        if name.chars().any(char::is_control) {
            return Err(ChannelError::ControlCharacter);
        }
        let mut text = [0; PREFIX_BYTES_MAX + NAME_BYTES_MAX];
        let (start, rest) = text.split_at_mut(prefix.len());
        start.copy_from_slice(prefix.as_bytes());
        rest[..name.len()].copy_from_slice(name.as_bytes());
        let text = std::str::from_utf8(&text[..prefix.len() + name.len()]);
        // Two texts next to each other are one.
        Ok(Self(text.map_err(|_| ChannelError::Kind)?.into()))
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a name cannot be a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The name is empty.
    #[error("the name of a user or group is empty")]
    Empty,
    /// The name is longer than [`NAME_BYTES_MAX`].
    #[error("the name of a user or group is longer than 256 bytes")]
    TooLong,
    /// The name holds a control character.
    #[error("the name of a user or group holds a control character")]
    ControlCharacter,
    /// The text is not a channel of any known kind.
    #[error("not a channel: expected all, user:<id>, group:<name>, login:<id> or connection:<id>")]
    Kind,
}

/// A sorted set of at most [`CHANNELS_MAX`] channels, cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChannelSet(Members);

/// Mostly there is one, which needs no list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Members {
    One(Channel),
    Several(Arc<[Channel]>),
}

impl ChannelSet {
    /// Sorts, removes repeats and checks the bound.
    ///
    /// # Errors
    /// [`ChannelSetError`] when nothing or too much is left.
    pub fn new(channels: impl IntoIterator<Item = Channel>) -> Result<Self, ChannelSetError> {
        let mut channels = channels.into_iter();
        let first = channels.next().ok_or(ChannelSetError::Empty)?;
        let Some(second) = channels.next() else { return Ok(first.into()) };
        let mut channels: Vec<_> = [first, second].into_iter().chain(channels).collect();
        channels.sort_unstable();
        channels.dedup();
        if channels.len() > CHANNELS_MAX {
            return Err(ChannelSetError::TooMany);
        }
        match <[Channel; 1]>::try_from(channels) {
            Ok([only]) => Ok(only.into()),
            Err(several) => Ok(Self(Members::Several(several.into()))),
        }
    }

    /// Whether `channel` is a member.
    pub fn contains(&self, channel: &Channel) -> bool {
        match &self.0 {
            // A comparison for equality looks at the lengths first.
            Members::One(only) => only == channel,
            Members::Several(many) => many.binary_search(channel).is_ok(),
        }
    }

    /// The members in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Channel> {
        match &self.0 {
            Members::One(only) => std::slice::from_ref(only).iter(),
            Members::Several(many) => many.iter(),
        }
    }

    /// How many members there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "a set is never empty")]
    pub fn len(&self) -> usize {
        match &self.0 {
            Members::One(_) => 1,
            Members::Several(many) => many.len(),
        }
    }
}

impl From<Channel> for ChannelSet {
    fn from(channel: Channel) -> Self {
        Self(Members::One(channel))
    }
}

impl<'a> IntoIterator for &'a ChannelSet {
    type Item = &'a Channel;
    type IntoIter = std::slice::Iter<'a, Channel>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Why channels cannot be a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelSetError {
    /// Nobody would receive the event.
    #[error("the audience is empty")]
    Empty,
    /// More than [`CHANNELS_MAX`].
    #[error("the audience has more than 1000 channels: use a group")]
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_reads_back_as_written() {
        for text in ["all", "user:42", "group:a:b", "login:\u{e9}", "connection:x y", "user:user:"] {
            assert_eq!(Channel::parse(text).map(|channel| channel.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_name_that_is_no_channel_says_why() {
        let check = |text: &str, error| assert_eq!(Channel::parse(text), Err(error), "{text:?}");
        check("", ChannelError::Kind);
        check("All", ChannelError::Kind);
        check("all:", ChannelError::Kind);
        check("room:1", ChannelError::Kind);
        check("user", ChannelError::Kind);
        check("user:", ChannelError::Empty);
        check("group:\n", ChannelError::ControlCharacter);
        check("user:a\u{85}", ChannelError::ControlCharacter);
        assert!(Channel::user(&"x".repeat(NAME_BYTES_MAX)).is_ok());
        assert_eq!(Channel::user(&"x".repeat(NAME_BYTES_MAX + 1)), Err(ChannelError::TooLong));
        assert_eq!(Channel::user(&"\u{e9}".repeat(NAME_BYTES_MAX / 2 + 1)), Err(ChannelError::TooLong));
    }

    #[test]
    fn names_of_different_kinds_are_different_channels() {
        let group = Channel::group("1").expect("a literal of this test");
        assert_ne!(Channel::user("1").expect("a literal of this test"), group);
        assert_eq!(group.group_name(), Some("1"));
        assert_eq!(Channel::user("group:1").expect("a literal of this test").group_name(), None);
    }

    #[test]
    fn a_set_holds_each_channel_once_in_order_and_is_bounded() {
        let user = |n: usize| Channel::user(&n.to_string()).expect("digits");
        let set = ChannelSet::new([user(3), Channel::all(), user(1), user(3)]).expect("three");
        assert_eq!(set.iter().map(Channel::as_str).collect::<Vec<_>>(), ["all", "user:1", "user:3"]);
        assert!(set.contains(&user(1)) && !set.contains(&user(2)));
        assert_eq!(ChannelSet::new([]), Err(ChannelSetError::Empty));
        assert_eq!(ChannelSet::new((0..CHANNELS_MAX).map(user)).map(|set| set.len()), Ok(CHANNELS_MAX));
        assert_eq!(ChannelSet::new((0..=CHANNELS_MAX).map(user)), Err(ChannelSetError::TooMany));
        let repeated = (0..2 * CHANNELS_MAX).map(|n| user(n % 10));
        assert_eq!(ChannelSet::new(repeated).map(|set| set.len()), Ok(10), "repeats do not count");
    }
}
