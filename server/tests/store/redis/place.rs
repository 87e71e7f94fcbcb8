//! The keys of a hub, and what may happen to them.

use std::{fs, path::Path, process::Command, time::Duration};

use tidings_server::{Redis, store::RedisOptions};

use super::server::{ALWAYS, Server};
use crate::place::{Durable, Many, Place};

pub(crate) struct Keys {
    pub(crate) server: Server,
}

impl Keys {
    pub(crate) fn on(server: Server) -> Self {
        Self { server }
    }

    /// Runs a script with the names of the keys.
    pub(crate) fn script(&self, text: &str, arguments: &[u64]) -> i64 {
        let keys = "local function key(name) return '{tidings}:' .. name end\n";
        let script = redis::Script::new(&format!("{keys}{text}"));
        let mut call = script.prepare_invoke();
        call.arg(arguments);
        call.invoke::<Option<i64>>(&mut self.server.connect()).expect("it runs").unwrap_or(0)
    }

    /// A time that the head has, if it has it, was so much earlier.
    fn earlier(&self, time: &str, by: Duration) {
        let text = format!(
            "local at = redis.call('HGET', key('head'), '{time}')
            if at then redis.call('HSET', key('head'), '{time}', string.format('%.0f', at - ARGV[1])) end"
        );
        self.script(&text, &[by.as_millis() as u64]);
    }

    /// The server goes away and comes back.
    pub(crate) fn restart(&self) {
        self.server.stop();
        self.server.resume();
    }

    fn files(&self) -> std::path::PathBuf {
        self.server.folder().join("appendonlydir")
    }
}

impl Place for Keys {
    type Store = Redis;

    async fn fresh() -> Self {
        Self::on(Server::start(ALWAYS))
    }

    fn store(&self) -> Redis {
        Redis::new(&self.server.url(), RedisOptions::default()).expect("a URL")
    }
}

impl Durable for Keys {
    type Backup = tempfile::TempDir;
    type Hold = ();

    async fn lose_tail(&self, entries: u64) {
        let text = "
            local left = redis.call('HGET', key('head'), 'sequence') - ARGV[1]
            for _, entry in ipairs(redis.call('XREVRANGE', key('log'), '+', '-', 'COUNT', ARGV[1])) do
                redis.call('XDEL', key('log'), entry[1])
                redis.call('HINCRBY', key('head'), 'bytes', -#entry[2][6])
            end
            -- Made anew: a stream does not forget the highest id that was deleted.
            local rest = redis.call('XRANGE', key('log'), '-', '+')
            redis.call('DEL', key('log'))
            for _, entry in ipairs(rest) do
                redis.call('XADD', key('log'), entry[1], unpack(entry[2]))
            end
            redis.call('HSET', key('head'), 'sequence', left)
            for _, used in ipairs(redis.call('HKEYS', key('keys'))) do
                local first = string.match(redis.call('HGET', key('keys'), used), ' (%d+) %d+$')
                if tonumber(first) > left then
                    redis.call('HDEL', key('keys'), used)
                    redis.call('ZREM', key('keys_at'), used)
                end
            end
            for _, epoch in ipairs(redis.call('LRANGE', key('epochs'), 0, -1)) do
                if tonumber(string.match(epoch, ' (%d+)$')) > left then
                    redis.call('LREM', key('epochs'), 1, epoch)
                end
            end
            local newest = redis.call('LRANGE', key('epochs'), -1, -1)[1]
            redis.call('HSET', key('head'), 'epoch', string.match(newest, '^(%S+)'))
            redis.call('DEL', key('senders'), key('senders_at'))";
        self.script(text, &[entries]);
        self.restart();
    }

    async fn back_up(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().expect("a folder");
        copy_all(&self.files(), copy.path());
        copy
    }

    async fn restore(&self, backup: tempfile::TempDir) {
        self.server.stop();
        fs::remove_dir_all(self.files()).expect("they are there");
        fs::create_dir(self.files()).expect("a folder");
        copy_all(backup.path(), &self.files());
        self.server.resume();
    }

    async fn age(&self, by: Duration) {
        self.age_under_way(by).await;
        self.forget_looks(by).await;
    }

    async fn fill_keys(&self, keys: u64) {
        let text = "
            local now = redis.call('TIME')[1] * 1000
            for n = 1, tonumber(ARGV[1]) do
                redis.call('HSET', key('keys'), 'filled ' .. n, 'x')
                redis.call('ZADD', key('keys_at'), string.format('%.0f', now), 'filled ' .. n)
            end";
        self.script(text, &[keys]);
    }

    async fn entries(&self) -> u64 {
        u64::try_from(self.script("return redis.call('XLEN', key('log'))", &[])).expect("a count")
    }

    async fn others(&self) -> u64 {
        let text = "
            local count = redis.call('HLEN', key('presences')) + redis.call('HLEN', key('connections'))
            count = count + redis.call('HLEN', key('keys')) + redis.call('ZCARD', key('revocations'))
            for _, granted in ipairs(redis.call('HVALS', key('grants'))) do
                for _ in pairs(cjson.decode(granted)) do count = count + 1 end
            end
            return count";
        u64::try_from(self.script(text, &[])).expect("a count")
    }

    async fn hold_commits(&self) {
        let paused =
            redis::cmd("CLIENT").arg("PAUSE").arg(60_000).arg("WRITE").exec(&mut self.server.connect());
        paused.expect("it pauses");
    }

    async fn release(&self, (): ()) {
        redis::cmd("CLIENT").arg("UNPAUSE").exec(&mut self.server.connect()).expect("it goes on");
    }
}

fn copy_all(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").arg(from.join(".")).arg(to).status().expect("it runs");
    assert!(copied.success());
}

impl Many for Keys {
    async fn alone() -> Self {
        Self::fresh().await
    }

    fn store_that_waits(&self, wait: Duration) -> Redis {
        Redis::new(&self.server.url(), RedisOptions { wait, ..RedisOptions::default() }).expect("a URL")
    }

    fn stop(&self) {
        self.server.stop();
    }

    fn resume(&self) {
        self.server.resume();
    }

    async fn age_under_way(&self, by: Duration) {
        let text = "
            local by = tonumber(ARGV[1])
            local function text(number) return string.format('%.0f', number) end
            local function earlier(at) return text(at - by) end
            local entries = redis.call('XRANGE', key('log'), '-', '+')
            redis.call('DEL', key('log'))
            for _, entry in ipairs(entries) do
                local sequence, at = string.match(entry[1], '^(%d+)-(%d+)$')
                redis.call('XADD', key('log'), sequence .. '-' .. earlier(at), unpack(entry[2]))
            end
            for _, times in ipairs({'keys_at', 'revocations', 'users', 'due', 'connections_until', 'senders_at'}) do
                for _, member in ipairs(redis.call('ZRANGE', key(times), 0, -1)) do
                    redis.call('ZINCRBY', key(times), -by, member)
                end
            end
            local function each(hash, change)
                for _, field in ipairs(redis.call('HKEYS', key(hash))) do
                    redis.call('HSET', key(hash), field, (change(redis.call('HGET', key(hash), field))))
                end
            end
            each('grants', function(granted)
                return string.gsub(granted, '\"(%d+) (%d+)\"', function(since, at)
                    return '\"' .. since .. ' ' .. earlier(at) .. '\"'
                end)
            end)
            each('presences', function(holders)
                return string.gsub(holders, ':\"(%a) (%d+)\"', function(word, ends)
                    return ':\"' .. word .. ' ' .. earlier(ends) .. '\"'
                end)
            end)
            each('claims', function(claim)
                return string.gsub(claim, '\"at\":\"(%d+)\"', function(at) return '\"at\":\"' .. earlier(at) .. '\"' end)
            end)
            each('members', function(kept)
                return string.gsub(kept, '^(%d+)', earlier)
            end)
            each('connections', function(kept)
                return string.gsub(kept, '^(%S+) (%d+) ', function(instance, ends)
                    return instance .. ' ' .. earlier(ends) .. ' '
                end)
            end)";
        self.script(text, &[by.as_millis() as u64]);
    }

    async fn forget_looks(&self, by: Duration) {
        self.earlier("tended", by);
    }

    async fn says_again_that_left(&self, instance: &str, number: u64, user: &str) -> u64 {
        let scripts = ["common", "lease"].map(|name| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/redis/scripts");
            fs::read_to_string(format!("{folder}/{name}.lua")).expect("a script")
        });
        // What the first names come in its own order.
        let names = scripts[0].lines().skip_while(|line| !line.starts_with("local LOG")).take(2);
        let names = names.collect::<String>().replace("local ", "").replace("= unpack(KEYS)", "");
        let script = redis::Script::new(&scripts.concat());
        let mut call = script.prepare_invoke();
        for name in names.split(',').map(|name| name.trim().to_lowercase()) {
            call.key(format!("{{tidings}}:{}", name.replace("used", "keys")));
        }
        call.arg(instance).arg(10_000).arg(45_000).arg(number).arg(number).arg(user).arg("f").arg(0);
        let answer: Vec<String> = call.invoke(&mut self.server.connect()).expect("it runs");
        (answer.len() as u64 - 1) / 2
    }

    async fn pardon_less(&self, by: Duration) {
        self.earlier("pardon", by);
    }

    async fn restore_under_way(&self, backup: tempfile::TempDir) {
        self.restore(backup).await;
    }
}
