//! What a coach and a coachee work on together.

use serde::{Deserialize, Serialize};

use crate::{CalendarDate, Id, Timestamp, option::nullable};

/// Something a person has promised to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields = nullable))]
pub struct Action {
    /// Which action.
    pub id: Id,
    /// The session it was agreed in.
    pub coaching_session_id: Id,
    /// The goal it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal_id: Option<Id>,
    /// Who wrote it.
    pub user_id: Id,
    /// What is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_by: Option<Timestamp>,
    /// How far it is.
    pub status: Status,
    /// Since when it is that far.
    pub status_changed_at: Timestamp,
    /// When it was written.
    pub created_at: Timestamp,
    /// When anything about it changed last; names the version a change is based on.
    pub updated_at: Timestamp,
    /// Who does it.
    pub assignee_ids: Vec<Id>,
}

/// Something both have agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields = nullable))]
pub struct Agreement {
    /// Which agreement.
    pub id: Id,
    /// The session it was made in.
    pub coaching_session_id: Id,
    /// What was agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Who wrote it.
    pub user_id: Id,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// What the coachee wants to reach; belongs to the relationship, not to one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields = nullable))]
pub struct Goal {
    /// Which goal.
    pub id: Id,
    /// The relationship it belongs to.
    pub coaching_relationship_id: Id,
    /// The session it was set in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_in_session_id: Option<Id>,
    /// Who wrote it.
    pub user_id: Id,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How far it is.
    pub status: Status,
    /// Since when it is that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_changed_at: Option<Timestamp>,
    /// When it was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// The day it is to be reached by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_date: Option<CalendarDate>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// What was written down in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields = nullable))]
pub struct Note {
    /// Which note.
    pub id: Id,
    /// The session it was written in.
    pub coaching_session_id: Id,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Who wrote it.
    pub user_id: Id,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// Something to talk about in a session. No event carries it: `topics_changed` says to fetch the list again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Topic {
    /// Which topic.
    pub id: Id,
    /// The session it is for.
    pub coaching_session_id: Id,
    /// Who wrote it.
    pub user_id: Id,
    /// What to talk about.
    pub body: String,
    /// How much it matters to the coachee; `null` until they say so.
    #[serde(deserialize_with = "nullable")]
    pub priority: Option<Priority>,
    /// Whether it was talked about.
    pub status: TopicStatus,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// How far an [`Action`] or a [`Goal`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub enum Status {
    /// Nobody has begun.
    #[default]
    NotStarted,
    /// Someone is at it.
    InProgress,
    /// Done.
    Completed,
    /// Put aside for now.
    OnHold,
    /// Given up.
    WontDo,
}

/// How much a [`Topic`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub enum Priority {
    /// If there is time.
    Low,
    /// Should be talked about.
    Medium,
    /// Must be talked about.
    High,
}

/// Whether a [`Topic`] was talked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub enum TopicStatus {
    /// Not yet.
    #[default]
    Open,
    /// It was.
    Discussed,
}
