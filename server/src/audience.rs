//! Who an event is for.

use std::ops::BitOr;

use protocol::{Channel, ChannelError, ChannelSet};

use crate::error::AudienceError;

/// A user, several, a group, everyone, or any union of these; each connection gets an event once.
///
/// Names are checked when the event is sent, so that an audience can be written as one expression.
///
/// # Example
/// ```
/// use tidings_server::Audience;
/// let audience = Audience::users(["coach", "coachee"]) | Audience::group("observers");
/// assert_eq!(audience.channels()?.len(), 3);
/// # Ok::<(), tidings_server::AudienceError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// Mostly the only one.
    first: Option<Channel>,
    others: Vec<Channel>,
    /// The first name that cannot be one; told when the event is sent.
    refused: Option<ChannelError>,
}

impl Audience {
    /// One user, on all connections.
    pub fn user(id: impl AsRef<str>) -> Self {
        Self::of([Channel::user(id.as_ref())])
    }

    /// Several users.
    pub fn users<I: AsRef<str>>(ids: impl IntoIterator<Item = I>) -> Self {
        Self::of(ids.into_iter().map(|id| Channel::user(id.as_ref())))
    }

    /// Whoever `Authorize` says may read the group.
    pub fn group(name: impl AsRef<str>) -> Self {
        Self::of([Channel::group(name.as_ref())])
    }

    /// Every connection.
    pub fn everyone() -> Self {
        Self::of([Ok(Channel::all())])
    }

    /// This audience and `other`.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        other.first.into_iter().chain(other.others).for_each(|channel| self.add(channel));
        self.refused = self.refused.or(other.refused);
        self
    }

    /// The channels inside.
    ///
    /// # Errors
    /// [`AudienceError`] when a name cannot be one, or nobody or more than 1,000 are addressed.
    pub fn channels(self) -> Result<ChannelSet, AudienceError> {
        match self.refused {
            Some(error) => Err(error.into()),
            None => Ok(ChannelSet::new(self.first.into_iter().chain(self.others))?),
        }
    }

    /// The connections that a revocation concerns.
    pub(crate) fn channel(channel: Channel) -> Self {
        Self::of([Ok(channel)])
    }

    fn of(names: impl IntoIterator<Item = Result<Channel, ChannelError>>) -> Self {
        let mut audience = Self { first: None, others: Vec::new(), refused: None };
        for name in names {
            match name {
                Ok(channel) => audience.add(channel),
                Err(error) => audience.refused = audience.refused.or(Some(error)),
            }
        }
        audience
    }

    fn add(&mut self, channel: Channel) {
        match self.first {
            None => self.first = Some(channel),
            Some(_) => self.others.push(channel),
        }
    }
}

impl BitOr for Audience {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}
