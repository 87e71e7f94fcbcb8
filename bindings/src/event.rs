//! The contract: one variant for every fact the backend may tell a page.

use serde::{Deserialize, Serialize};

use crate::{Action, Agreement, ApplicationError, Goal, Id, Note};

/// Everything the backend may tell a page. On the wire `{"type": "action_created", "data": {…}}`.
///
/// Every variant has a payload with names, so that a field can be added later; see the crate's documentation
/// for how to add a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub enum Event {
    /// An action was written.
    ActionCreated {
        /// The session it belongs to.
        coaching_session_id: Id,
        /// The action.
        action: Action,
    },
    /// An action was changed.
    ActionUpdated {
        /// The session it belongs to.
        coaching_session_id: Id,
        /// The action as it is now.
        action: Action,
    },
    /// An action was removed.
    ActionDeleted {
        /// The session it belonged to.
        coaching_session_id: Id,
        /// Which one.
        action_id: Id,
    },
    /// An agreement was written.
    AgreementCreated {
        /// The session it belongs to.
        coaching_session_id: Id,
        /// The agreement.
        agreement: Agreement,
    },
    /// An agreement was changed.
    AgreementUpdated {
        /// The session it belongs to.
        coaching_session_id: Id,
        /// The agreement as it is now.
        agreement: Agreement,
    },
    /// An agreement was removed.
    AgreementDeleted {
        /// The session it belonged to.
        coaching_session_id: Id,
        /// Which one.
        agreement_id: Id,
    },
    /// A goal was set.
    GoalCreated {
        /// The relationship it belongs to.
        coaching_relationship_id: Id,
        /// The goal.
        goal: Goal,
    },
    /// A goal was changed.
    GoalUpdated {
        /// The relationship it belongs to.
        coaching_relationship_id: Id,
        /// The goal as it is now.
        goal: Goal,
    },
    /// A goal was removed.
    GoalDeleted {
        /// The relationship it belonged to.
        coaching_relationship_id: Id,
        /// Which one.
        goal_id: Id,
    },
    /// A goal was taken up in a session.
    CoachingSessionGoalCreated {
        /// The relationship both belong to.
        coaching_relationship_id: Id,
        /// The session.
        coaching_session_id: Id,
        /// The goal.
        goal_id: Id,
    },
    /// A goal was taken out of a session; the goal itself stays.
    CoachingSessionGoalDeleted {
        /// The relationship both belong to.
        coaching_relationship_id: Id,
        /// The session.
        coaching_session_id: Id,
        /// The goal.
        goal_id: Id,
    },
    /// A note was written.
    NoteCreated {
        /// The session it belongs to.
        coaching_session_id: Id,
        /// The note.
        note: Note,
    },
    /// A note was changed.
    NoteUpdated {
        /// The session it belongs to.
        coaching_session_id: Id,
        /// The note as it is now.
        note: Note,
    },
    /// Something about the recording of a meeting changed: fetch it again.
    MeetingRecordingUpdated {
        /// The session it belongs to.
        coaching_session_id: Id,
    },
    /// Something about the transcription of a meeting changed: fetch it again.
    TranscriptionUpdated {
        /// The session it belongs to.
        coaching_session_id: Id,
    },
    /// The topics of a session changed: fetch the list again.
    TopicsChanged {
        /// The session they belong to.
        coaching_session_id: Id,
    },
    /// The title of a session changed: fetch the session again.
    CoachingSessionTitleUpdated {
        /// The session.
        coaching_session_id: Id,
    },
    /// This person's log-ins have ended. Live only: one who comes back later has logged in anew.
    ForceLogout {
        /// Why, for the person to read.
        reason: String,
    },
    /// A word from the operators to everyone.
    SystemAnnouncement {
        /// What they say.
        message: String,
        /// How much it matters.
        severity: Severity,
    },
    /// A person came or went. Live only: what it was like earlier matters to nobody.
    PresenceChanged {
        /// The person.
        user_id: Id,
        /// Whether they are there.
        presence: Presence,
    },
    /// Something in the app failed.
    ApplicationError(ApplicationError),
}

/// Whether a person is there, over all their tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub enum Presence {
    /// At least one tab is connected.
    Online,
    /// The last tab was cut off and may come back.
    Reconnecting,
    /// Nobody is there.
    Offline,
}

/// How much an announcement matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something to prepare for.
    Warning,
    /// Something to act on now.
    Critical,
}
