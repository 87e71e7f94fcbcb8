//! What a new database begins with: three people, one relationship, and enough work for the pages to look alive.

use tidings_bindings::{Action, Agreement, Goal, Id, Note, Priority, Status, Timestamp, Topic, TopicStatus};
use tidings_server::Cause;

use crate::{
    clock::unix_millis,
    database::query,
    failure::Failure,
    platform::{Change, Platform, new_id},
    routes::{
        actions, agreements, goals, notes, session_goals,
        sessions::{self, Session},
        topics,
    },
};

/// Somebody who can log in from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// First name.
    pub first_name: &'static str,
    /// Last name.
    pub last_name: &'static str,
    /// What to log in with.
    pub email: &'static str,
    /// And its password.
    pub password: &'static str,
    /// `coach`, `coachee` or `admin`.
    pub role: &'static str,
}

/// A coach, a coachee and an admin.
pub const PEOPLE: [Person; 3] = [
    Person {
        first_name: "Maya",
        last_name: "Okafor",
        email: "coach@example.com",
        password: "coach-password",
        role: "coach",
    },
    Person {
        first_name: "Jonas",
        last_name: "Lindqvist",
        email: "coachee@example.com",
        password: "coachee-password",
        role: "coachee",
    },
    Person {
        first_name: "Ada",
        last_name: "Reyes",
        email: "admin@example.com",
        password: "admin-password",
        role: "admin",
    },
];

/// Writes it all, unless somebody is there already.
pub(crate) async fn seed(platform: &Platform) -> Result<(), Failure> {
    if query("SELECT 1 FROM users LIMIT 1").fetch_optional(&mut platform.reader().await?).await?.is_some() {
        return Ok(());
    }
    let mut passwords = Vec::new();
    for person in &PEOPLE {
        passwords.push(platform.passwords.hash(person.password).await?);
    }
    Seed { change: platform.change(Cause::default()).await? }.all(passwords).await
}

struct Seed {
    change: Change,
}

impl Seed {
    async fn all(mut self, passwords: Vec<String>) -> Result<(), Failure> {
        let organization = self.organization("Northwind Studio").await?;
        let mut people = Vec::new();
        for (person, password) in PEOPLE.iter().zip(passwords) {
            people.push(self.person(organization, person, &password).await?);
        }
        let (coach, coachee) = (people[0], people[1]);
        let relationship = self.relationship(organization, coach, coachee).await?;
        let last = self.session(relationship, -7, "Settling into the new role").await?;
        let next = self.session(relationship, 2, "Leading without doing it all").await?;
        let delegate = ("Delegate with confidence", "Hand over two projects by spring.");
        let delegate = self.goal(relationship, coachee, delegate, Status::InProgress).await?;
        let mornings = ("Calmer mornings", "No meetings before ten.");
        let mornings = self.goal(relationship, coachee, mornings, Status::NotStarted).await?;
        for (session, goal) in [(last, delegate), (next, delegate), (next, mornings)] {
            session_goals::insert(self.change.db(), session, goal).await?;
        }
        let both = |session| [At { session, user: coach }, At { session, user: coachee }];
        self.pages(both(last), both(next), delegate).await?;
        self.change.commit().await
    }

    async fn pages(&mut self, last: [At; 2], next: [At; 2], delegate: Id) -> Result<(), Failure> {
        let [coach_last, coachee_last] = last;
        let [coach_next, coachee_next] = next;
        for (at, body, goal, status) in [
            (coachee_last, "Write down what only I can decide", None, Status::Completed),
            (coachee_last, "Ask Priya to run the planning meeting", Some(delegate), Status::InProgress),
            (coachee_next, "Hand the release checklist over", Some(delegate), Status::NotStarted),
            (coach_next, "Send the article on situational leadership", None, Status::InProgress),
        ] {
            self.action(at, body, goal, status).await?;
        }
        self.agreement(coach_last, "What is said here stays here.").await?;
        self.agreement(coach_next, "We meet every second week, cameras on.").await?;
        self.agreement(coachee_next, "I bring one real situation to each session.").await?;
        self.note(coach_last, "Start with a small hand-over, then look at how it felt.").await?;
        self.note(coachee_next, "The planning meeting went well without me.").await?;
        self.topic(coachee_next, "Saying no to the steering group", Some(Priority::High)).await?;
        self.topic(coach_next, "What changed since the first hand-over?", None).await
    }
}

/// The rows, one kind of thing each.
impl Seed {
    async fn organization(&mut self, name: &str) -> Result<Id, Failure> {
        let id = new_id();
        query("INSERT INTO organizations (id, name) VALUES ($1, $2)")
            .bind(id.to_string())
            .bind(name)
            .execute(self.change.db())
            .await?;
        Ok(id)
    }

    async fn person(&mut self, organization: Id, person: &Person, password: &str) -> Result<Id, Failure> {
        let id = new_id();
        query(
            "INSERT INTO users (id, first_name, last_name, email, role, password_hash)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id.to_string())
        .bind(person.first_name)
        .bind(person.last_name)
        .bind(person.email)
        .bind(person.role)
        .bind(password)
        .execute(self.change.db())
        .await?;
        query("INSERT INTO members (organization_id, user_id) VALUES ($1, $2)")
            .bind(organization.to_string())
            .bind(id.to_string())
            .execute(self.change.db())
            .await?;
        Ok(id)
    }

    async fn relationship(&mut self, organization: Id, coach: Id, coachee: Id) -> Result<Id, Failure> {
        let id = new_id();
        query(
            "INSERT INTO coaching_relationships (id, organization_id, coach_id, coachee_id)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(id.to_string())
        .bind(organization.to_string())
        .bind(coach.to_string())
        .bind(coachee.to_string())
        .execute(self.change.db())
        .await?;
        Ok(id)
    }

    async fn session(&mut self, relationship: Id, in_days: i64, title: &str) -> Result<Id, Failure> {
        let now = self.change.now();
        let session = Session {
            id: new_id(),
            coaching_relationship_id: relationship,
            date: afternoon(in_days),
            title: Some(title.to_owned()),
            created_at: now.clone(),
            updated_at: now,
        };
        sessions::save(self.change.db(), &session).await?;
        Ok(session.id)
    }

    async fn goal(
        &mut self,
        relationship: Id,
        user: Id,
        words: (&str, &str),
        status: Status,
    ) -> Result<Id, Failure> {
        let now = self.change.now();
        let goal = Goal {
            id: new_id(),
            coaching_relationship_id: relationship,
            created_in_session_id: None,
            user_id: user,
            title: Some(words.0.to_owned()),
            body: Some(words.1.to_owned()),
            status,
            status_changed_at: Some(now.clone()),
            completed_at: None,
            target_date: None,
            created_at: now.clone(),
            updated_at: now,
        };
        goals::save(self.change.db(), &goal).await?;
        Ok(goal.id)
    }

    async fn action(&mut self, at: At, body: &str, goal: Option<Id>, status: Status) -> Result<(), Failure> {
        let now = self.change.now();
        let action = Action {
            id: new_id(),
            coaching_session_id: at.session,
            goal_id: goal,
            user_id: at.user,
            body: Some(body.to_owned()),
            due_by: Some(afternoon(9)),
            status,
            status_changed_at: now.clone(),
            created_at: now.clone(),
            updated_at: now,
            assignee_ids: vec![at.user],
        };
        actions::save(self.change.db(), &action).await
    }

    async fn agreement(&mut self, at: At, body: &str) -> Result<(), Failure> {
        let now = self.change.now();
        let agreement = Agreement {
            id: new_id(),
            coaching_session_id: at.session,
            body: Some(body.to_owned()),
            user_id: at.user,
            created_at: now.clone(),
            updated_at: now,
        };
        agreements::save(self.change.db(), &agreement).await
    }

    async fn note(&mut self, at: At, body: &str) -> Result<(), Failure> {
        let now = self.change.now();
        let note = Note {
            id: new_id(),
            coaching_session_id: at.session,
            body: Some(body.to_owned()),
            user_id: at.user,
            created_at: now.clone(),
            updated_at: now,
        };
        notes::save(self.change.db(), &note).await
    }

    async fn topic(&mut self, at: At, body: &str, priority: Option<Priority>) -> Result<(), Failure> {
        let now = self.change.now();
        let topic = Topic {
            id: new_id(),
            coaching_session_id: at.session,
            user_id: at.user,
            body: body.to_owned(),
            priority,
            status: TopicStatus::Open,
            created_at: now.clone(),
            updated_at: now,
        };
        topics::save(self.change.db(), &topic).await
    }
}

/// Where something is written, and by whom.
#[derive(Debug, Clone, Copy)]
struct At {
    session: Id,
    user: Id,
}

/// Two in the afternoon, UTC, so many days from today.
fn afternoon(in_days: i64) -> Timestamp {
    const DAY: u64 = 86_400_000;
    let today = unix_millis() / DAY;
    Timestamp::from_unix_millis(today.saturating_add_signed(in_days) * DAY + 14 * 3_600_000)
}
