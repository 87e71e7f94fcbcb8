//! A schema, and what may happen to it.

use std::{
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tidings_server::store::{
    Postgres, PostgresOptions,
    sqlx::{
        self, Connection as _, PgConnection, Row as _,
        postgres::{PgConnectOptions, PgRow},
    },
};

use parking_lot::Mutex;

use super::server::{Server, find, shared};
use crate::place::{Durable, Many, Place, Shared};

pub(crate) struct Schema {
    pub(crate) connect: PgConnectOptions,
    pub(crate) name: String,
    /// Absent on the one that all tests share.
    server: Option<Mutex<Server>>,
}

impl Schema {
    /// One of its own on a server.
    pub(crate) fn on(connect: PgConnectOptions) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("t{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self { connect, name, server: None }
    }

    /// The same, reached in another way.
    pub(crate) fn through(&self, connect: PgConnectOptions) -> Self {
        Self { connect, name: self.name.clone(), server: None }
    }

    pub(crate) fn options(&self) -> PostgresOptions {
        PostgresOptions { schema: self.name.clone(), ..PostgresOptions::default() }
    }

    /// A connection of somebody else, for whom our schema is the first.
    pub(crate) async fn other(&self) -> PgConnection {
        let options = self.connect.clone().options([("search_path", &self.name)]);
        PgConnection::connect_with(&options).await.expect("it connects")
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let mut other = self.other().await;
        sqlx::raw_sql(sql).execute(&mut other).await.expect("it does");
        other.close().await.expect("it closes");
    }

    pub(crate) async fn count(&self, sql: &str) -> u64 {
        let mut other = self.other().await;
        let row: PgRow = sqlx::query(sql).fetch_one(&mut other).await.expect("one");
        other.close().await.expect("it closes");
        u64::try_from(row.get::<i64, _>(0)).expect("a count")
    }

    /// Waits until no run holds the sequencer's lock.
    async fn alone(&self) {
        let sequencers = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid IN
            (SELECT pid FROM pg_stat_activity WHERE application_name = 'tidings sequencer' AND query LIKE '%";
        let sequencers = format!("{sequencers}\"{}\"%')", self.name);
        crate::run::eventually("the lock is free", async || self.count(&sequencers).await == 0).await;
    }

    fn tool(&self, program: &str) -> Command {
        let mut tool = Command::new(find(program));
        let socket = self.connect.get_socket().expect("a socket");
        tool.args(["-X", "-h"]).arg(socket).args(["-p", "5432", "-U", "postgres", "-d", "postgres"]);
        tool
    }
}

impl Place for Schema {
    type Store = Postgres;

    async fn fresh() -> Self {
        Self::on(shared())
    }

    fn store(&self) -> Postgres {
        Postgres::with(self.connect.clone(), self.options()).expect("a name")
    }
}

impl Durable for Schema {
    type Backup = Vec<u8>;
    type Hold = PgConnection;

    async fn lose_tail(&self, entries: u64) {
        self.alone().await;
        self.execute(&format!(
            "UPDATE head SET sequence = sequence - {entries};
            DELETE FROM keys WHERE first > (SELECT sequence FROM head);
            DELETE FROM epochs WHERE began > (SELECT sequence FROM head);
            UPDATE epochs SET ended = NULL WHERE ended > (SELECT sequence FROM head);
            UPDATE head SET epoch = (SELECT max(number) FROM epochs);
            DELETE FROM entries WHERE sequence > (SELECT sequence FROM head)"
        ))
        .await;
    }

    async fn back_up(&self) -> Vec<u8> {
        self.alone().await;
        let mut dump = Command::new(find("pg_dump"));
        let socket = self.connect.get_socket().expect("a socket");
        dump.arg("-h").arg(socket).args(["-p", "5432", "-U", "postgres", "-d", "postgres", "-n", &self.name]);
        let dumped = dump.output().expect("it runs");
        assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
        dumped.stdout
    }

    async fn restore(&self, backup: Vec<u8>) {
        self.alone().await;
        self.restore_under_way(backup).await;
    }

    async fn age(&self, by: Duration) {
        self.alone().await;
        self.age_under_way(by).await;
        if self.count("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()").await > 0 {
            // Nor has anybody looked since whose time has come.
            self.forget_looks(by).await;
        }
    }

    async fn fill_keys(&self, keys: u64) {
        self.execute(&format!(
            "INSERT INTO keys (name, digest, ticket, count, at)
            SELECT convert_to('filled ' || n, 'UTF8'), '', 0, 1, clock() FROM generate_series(1, {keys}) AS n"
        ))
        .await;
    }

    async fn entries(&self) -> u64 {
        self.count("SELECT count(*) FROM entries").await
    }

    async fn others(&self) -> u64 {
        self.count(
            "SELECT (SELECT count(*) FROM presences) + (SELECT count(*) FROM connections)
                + (SELECT count(*) FROM keys) + (SELECT count(*) FROM grants)
                + (SELECT count(*) FROM revocations)",
        )
        .await
    }

    async fn hold_commits(&self) -> PgConnection {
        let mut other = self.other().await;
        sqlx::raw_sql("BEGIN; LOCK TABLE outbox").execute(&mut other).await.expect("it locks");
        other
    }

    async fn release(&self, hold: PgConnection) {
        hold.close().await.expect("it closes");
    }
}

impl Shared for Schema {
    async fn connect(&self) -> PgConnection {
        PgConnection::connect_with(&self.connect).await.expect("it connects")
    }

    async fn begin(connection: &mut PgConnection) {
        sqlx::query("BEGIN").execute(connection).await.expect("it begins");
    }

    async fn commit(connection: &mut PgConnection) {
        sqlx::query("COMMIT").execute(connection).await.expect("it commits");
    }

    async fn roll_back(connection: &mut PgConnection) {
        sqlx::query("ROLLBACK").execute(connection).await.expect("it undoes");
    }
}

impl Many for Schema {
    async fn alone() -> Self {
        let server = Server::start();
        let place = Self::on(server.options());
        Self { server: Some(Mutex::new(server)), ..place }
    }

    fn store_that_waits(&self, wait: Duration) -> Postgres {
        let options = PostgresOptions { wait, ..self.options() };
        Postgres::with(self.connect.clone(), options).expect("a name")
    }

    fn stop(&self) {
        self.server.as_ref().expect("one of its own").lock().stop();
    }

    fn resume(&self) {
        self.server.as_ref().expect("one of its own").lock().resume();
    }

    async fn age_under_way(&self, by: Duration) {
        if self.count("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()").await == 0 {
            return;
        }
        let by = by.as_millis();
        self.execute(&format!(
            "UPDATE entries SET at = at - {by};
            UPDATE keys SET at = at - {by};
            UPDATE revocations SET at = at - {by};
            UPDATE grants SET at = at - {by};
            UPDATE claims SET at = at - {by};
            UPDATE members SET at = at - {by};
            UPDATE connections SET until = until - {by};
            UPDATE presences SET until = until - {by}, due = due - {by}, held = (
                SELECT coalesce(jsonb_object_agg(key, jsonb_build_array(value -> 0, (value ->> 1)::bigint - {by})), '{{}}')
                FROM jsonb_each(held))"
        ))
        .await;
    }

    async fn forget_looks(&self, by: Duration) {
        self.execute(&format!("UPDATE tending SET at = at - {}", by.as_millis())).await;
    }

    async fn says_again_that_left(&self, instance: &str, number: u64, user: &str) -> u64 {
        self.count(&format!(
            "SELECT (cardinality(lease('{instance}', 10000, 45000, {number}, {number}, 100, ARRAY['{user}'],
                ARRAY['f'], ARRAY[0])) - 1) / 2::bigint"
        ))
        .await
    }

    async fn pardon_less(&self, by: Duration) {
        self.execute(&format!("UPDATE tending SET pardon = pardon - {}", by.as_millis())).await;
    }

    /// Puts the copy in the place of what is there, whoever uses it.
    async fn restore_under_way(&self, backup: Vec<u8>) {
        use std::io::Write as _;
        self.execute(&format!("DROP SCHEMA {} CASCADE", self.name)).await;
        let mut restore = self.tool("psql");
        restore.args(["-q", "-1", "-v", "ON_ERROR_STOP=1"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut restore = restore.spawn().expect("it runs");
        restore.stdin.take().expect("piped").write_all(&backup).expect("it reads");
        assert!(restore.wait().expect("it ends").success());
    }
}
