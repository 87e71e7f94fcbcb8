-- Ids are UUIDs, times RFC 3339 in UTC with milliseconds, so that both sort as text.
CREATE TABLE IF NOT EXISTS users (
    id TEXT PRIMARY KEY,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('coach', 'coachee', 'admin')),
    password_hash TEXT NOT NULL
);
-- One address, however it is written.
CREATE UNIQUE INDEX IF NOT EXISTS users_by_email ON users (lower(email));

-- A log-in outlives a restart; a deleted row is refused from then on.
CREATE TABLE IF NOT EXISTS log_ins (
    secret_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users,
    data TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS log_ins_of_user ON log_ins (user_id);

CREATE TABLE IF NOT EXISTS organizations (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS members (
    organization_id TEXT NOT NULL REFERENCES organizations,
    user_id TEXT NOT NULL REFERENCES users,
    PRIMARY KEY (organization_id, user_id)
);

CREATE TABLE IF NOT EXISTS coaching_relationships (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations,
    coach_id TEXT NOT NULL REFERENCES users,
    coachee_id TEXT NOT NULL REFERENCES users,
    ended_at TEXT,
    UNIQUE (organization_id, coach_id, coachee_id)
);

CREATE TABLE IF NOT EXISTS coaching_sessions (
    id TEXT PRIMARY KEY,
    coaching_relationship_id TEXT NOT NULL REFERENCES coaching_relationships,
    date TEXT NOT NULL,
    title TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS coaching_sessions_of_relationship ON coaching_sessions (coaching_relationship_id, date);

CREATE TABLE IF NOT EXISTS goals (
    id TEXT PRIMARY KEY,
    coaching_relationship_id TEXT NOT NULL REFERENCES coaching_relationships,
    created_in_session_id TEXT REFERENCES coaching_sessions,
    user_id TEXT NOT NULL REFERENCES users,
    title TEXT,
    body TEXT,
    status TEXT NOT NULL,
    status_changed_at TEXT,
    completed_at TEXT,
    target_date TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS goals_of_relationship ON goals (coaching_relationship_id);

CREATE TABLE IF NOT EXISTS session_goals (
    coaching_session_id TEXT NOT NULL REFERENCES coaching_sessions,
    goal_id TEXT NOT NULL REFERENCES goals ON DELETE CASCADE,
    -- As SQLite numbers rows by itself: in the order in which goals were taken up.
    rowid BIGINT GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (coaching_session_id, goal_id)
);

CREATE TABLE IF NOT EXISTS actions (
    id TEXT PRIMARY KEY,
    coaching_session_id TEXT NOT NULL REFERENCES coaching_sessions,
    goal_id TEXT REFERENCES goals ON DELETE SET NULL,
    user_id TEXT NOT NULL REFERENCES users,
    body TEXT,
    due_by TEXT,
    status TEXT NOT NULL,
    status_changed_at TEXT NOT NULL,
    assignee_ids TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS actions_of_session ON actions (coaching_session_id);

CREATE TABLE IF NOT EXISTS agreements (
    id TEXT PRIMARY KEY,
    coaching_session_id TEXT NOT NULL REFERENCES coaching_sessions,
    user_id TEXT NOT NULL REFERENCES users,
    body TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS agreements_of_session ON agreements (coaching_session_id);

CREATE TABLE IF NOT EXISTS notes (
    id TEXT PRIMARY KEY,
    coaching_session_id TEXT NOT NULL REFERENCES coaching_sessions,
    user_id TEXT NOT NULL REFERENCES users,
    body TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS notes_of_session ON notes (coaching_session_id);

CREATE TABLE IF NOT EXISTS topics (
    id TEXT PRIMARY KEY,
    coaching_session_id TEXT NOT NULL REFERENCES coaching_sessions,
    user_id TEXT NOT NULL REFERENCES users,
    body TEXT NOT NULL,
    priority TEXT,
    status TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS topics_of_session ON topics (coaching_session_id);
