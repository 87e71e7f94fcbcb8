//! Who is there: users in overlapping groups, each with a few clients; and who an event is for.

use serde::Serialize;

/// Users per group, on average and counted once.
const USERS_PER_GROUP: usize = 10;

/// Everybody of a run.
#[derive(Debug)]
pub(crate) struct Population {
    users: Vec<User>,
    clients: usize,
    groups: usize,
}

#[derive(Debug)]
struct User {
    name: String,
    groups: Vec<usize>,
}

/// Who an event is for: the union of these, as indices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Audience {
    pub(crate) users: Vec<usize>,
    pub(crate) groups: Vec<usize>,
    pub(crate) everyone: bool,
}

/// The same by names, as `POST /publish` wants it.
#[derive(Debug, Serialize)]
pub(crate) struct Named {
    users: Vec<String>,
    groups: Vec<String>,
    everyone: bool,
}

impl Population {
    /// `clients` of two fifths as many users, so that most have two or three at once. Every seventh user is in no
    /// group, the others are in two, which they share with different people.
    pub(crate) fn of(clients: usize) -> Self {
        let count = (clients * 2).div_ceil(5).max(1);
        let groups = (count / USERS_PER_GROUP).max(2);
        let user = |n: usize| User {
            name: format!("user-{n}"),
            groups: if n.is_multiple_of(7) { Vec::new() } else { overlapping(n, groups) },
        };
        Self { users: (0..count).map(user).collect(), clients, groups }
    }

    pub(crate) fn clients(&self) -> usize {
        self.clients
    }

    /// Whose a client is.
    pub(crate) fn user_of(&self, client: usize) -> usize {
        client % self.users.len()
    }

    pub(crate) fn name(&self, user: usize) -> &str {
        &self.users[user].name
    }

    pub(crate) fn groups_of(&self, user: usize) -> Vec<String> {
        self.users[user].groups.iter().map(|group| group_name(*group)).collect()
    }

    pub(crate) fn includes(&self, audience: &Audience, user: usize) -> bool {
        audience.everyone
            || audience.users.contains(&user)
            || self.users[user].groups.iter().any(|group| audience.groups.contains(group))
    }

    /// Mostly one user, sometimes a few, a group, both, or everyone.
    pub(crate) fn draw(&self, random: &mut fastrand::Rng) -> Audience {
        let mut user = || random.usize(..self.users.len());
        let (one, other) = (user(), user());
        let group = random.usize(..self.groups);
        match random.u8(..100) {
            0..70 => Audience { users: vec![one], ..Audience::default() },
            70..80 => Audience { users: vec![one, other], ..Audience::default() },
            80..92 => Audience { groups: vec![group], ..Audience::default() },
            92..99 => Audience { users: vec![one], groups: vec![group], everyone: false },
            _ => Audience::everyone(),
        }
    }

    pub(crate) fn named(&self, audience: &Audience) -> Named {
        Named {
            users: audience.users.iter().map(|user| self.name(*user).to_owned()).collect(),
            groups: audience.groups.iter().map(|group| group_name(*group)).collect(),
            everyone: audience.everyone,
        }
    }
}

impl Audience {
    pub(crate) fn everyone() -> Self {
        Self { everyone: true, ..Self::default() }
    }
}

fn group_name(group: usize) -> String {
    format!("group-{group}")
}

fn overlapping(user: usize, groups: usize) -> Vec<usize> {
    let one = user % groups;
    let other = (user / groups * 3 + user + 1) % groups;
    if one == other { vec![one] } else { vec![one, other] }
}
