-- Stores which connections of an instance are open, until when by the hub's clock, and which have ended. One
-- that has gone to another instance is that one's. ARGV: instance, how many are open, then for each its id,
-- until when, and the rest as JSON; then the ids of those that have ended.
local instance, open = ARGV[1], tonumber(ARGV[2])
for n = 1, open do
    local id, ends, rest = unpack(ARGV, 3 * n, 3 * n + 2)
    redis.call('HSET', CONNECTIONS, id, instance .. ' ' .. ends .. ' ' .. rest)
    redis.call('ZADD', CONNECTIONS_UNTIL, ends, id)
end
for at = 3 * open + 3, #ARGV do
    local kept = redis.call('HGET', CONNECTIONS, ARGV[at])
    if kept and string.match(kept, '^(%S+)') == instance then
        redis.call('HDEL', CONNECTIONS, ARGV[at])
        redis.call('ZREM', CONNECTIONS_UNTIL, ARGV[at])
    end
end
return redis.status_reply('OK')
