//! A file, and what may happen to it.

use std::{path::PathBuf, time::Duration};

use tempfile::TempDir;
use tidings_server::store::{
    Sqlite, SqliteOptions,
    sqlx::{
        self, Connection as _, Row as _, SqliteConnection,
        sqlite::{SqliteConnectOptions, SqliteRow},
    },
};

use crate::place::{Durable, Place, Shared};

pub(crate) struct File {
    folder: TempDir,
}

impl File {
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("tidings.db")
    }

    pub(crate) fn options(&self) -> SqliteOptions {
        SqliteOptions::new(self.path())
    }

    /// A connection of somebody else.
    pub(crate) async fn other(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new()
            .filename(self.path())
            .create_if_missing(true)
            .busy_timeout(Duration::from_secs(20));
        SqliteConnection::connect_with(&options).await.expect("it opens")
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let mut other = self.other().await;
        sqlx::raw_sql(sql).execute(&mut other).await.expect("it does");
        other.close().await.expect("it closes");
    }

    async fn count(&self, sql: &str) -> u64 {
        let mut other = self.other().await;
        let row: SqliteRow = sqlx::query(sql).fetch_one(&mut other).await.expect("one");
        other.close().await.expect("it closes");
        u64::try_from(row.get::<i64, _>(0)).expect("a count")
    }

    /// Waits until the run before has let go of the file.
    async fn alone(&self) {
        let path = self.path().with_file_name("tidings.db.tidings-lock");
        let lock = std::fs::File::options().write(true).create(true).truncate(false).open(path);
        let lock = lock.expect("it opens");
        crate::run::eventually("the file is free", async || lock.try_lock().is_ok()).await;
    }
}

impl Place for File {
    type Store = Sqlite;

    async fn fresh() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn store(&self) -> Sqlite {
        Sqlite::new(self.options())
    }
}

impl Durable for File {
    type Backup = PathBuf;
    type Hold = SqliteConnection;

    async fn lose_tail(&self, entries: u64) {
        self.alone().await;
        self.execute(&format!(
            "DELETE FROM tidings_entries WHERE sequence > (SELECT max(sequence) FROM tidings_entries) - {entries}"
        ))
        .await;
    }

    async fn back_up(&self) -> PathBuf {
        self.alone().await;
        let copy = self.folder.path().join("copy.db");
        self.execute(&format!("VACUUM INTO '{}'", copy.display())).await;
        copy
    }

    async fn restore(&self, backup: PathBuf) {
        self.alone().await;
        for of in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(self.path().with_file_name(format!("tidings.db{of}")));
        }
        std::fs::copy(backup, self.path()).expect("copied");
    }

    async fn age(&self, by: Duration) {
        self.alone().await;
        if !self.path().exists() {
            return;
        }
        let by = by.as_millis();
        let columns = [
            ("entries", "at"),
            ("keys", "at"),
            ("grants", "at"),
            ("revocations", "at"),
            ("leases", "until"),
            ("connections", "until"),
        ];
        for (table, column) in columns {
            self.execute(&format!("UPDATE tidings_{table} SET {column} = {column} - {by}")).await;
        }
    }

    async fn fill_keys(&self, keys: u64) {
        self.alone().await;
        self.execute(&format!(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {keys}) \
             INSERT INTO tidings_keys (name, digest, epoch, first, count, at) \
             SELECT 'filled ' || n, zeroblob(32), 1, 1, 1, unixepoch() * 1000 FROM n"
        ))
        .await;
    }

    async fn entries(&self) -> u64 {
        self.count("SELECT count(*) FROM tidings_entries").await
    }

    async fn others(&self) -> u64 {
        let tables = ["keys", "grants", "revocations", "leases", "connections"];
        let counts = tables.map(|table| format!("(SELECT count(*) FROM tidings_{table})"));
        self.count(&format!("SELECT {}", counts.join(" + "))).await
    }

    async fn hold_commits(&self) -> SqliteConnection {
        let mut other = self.other().await;
        Self::begin(&mut other).await;
        other
    }

    async fn release(&self, mut hold: SqliteConnection) {
        Self::roll_back(&mut hold).await;
    }
}

impl Shared for File {
    async fn connect(&self) -> SqliteConnection {
        self.other().await
    }

    async fn begin(connection: &mut SqliteConnection) {
        sqlx::query("BEGIN IMMEDIATE").execute(connection).await.expect("begun");
    }

    async fn commit(connection: &mut SqliteConnection) {
        sqlx::query("COMMIT").execute(connection).await.expect("committed");
    }

    async fn roll_back(connection: &mut SqliteConnection) {
        sqlx::query("ROLLBACK").execute(connection).await.expect("rolled back");
    }
}
