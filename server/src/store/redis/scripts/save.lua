-- Stores which connections of an instance are open, until when by the hub's clock, and which have ended: its own, or
-- one whose client has come here. ARGV: instance, how many are open, then for each its id, until when, its user, and
-- the rest as JSON; then for each that has ended its id and its user.
local instance, open = ARGV[1], tonumber(ARGV[2])
for n = 1, open do
    local id, ends, user, rest = unpack(ARGV, 4 * n - 1, 4 * n + 2)
    redis.call('HSET', CONNECTIONS, id, instance .. ' ' .. ends .. ' ' .. rest)
    redis.call('ZADD', CONNECTIONS_UNTIL, ends, id)
    redis.call('ZADD', TABS, 0, user .. '\0' .. id)
end
for at = 4 * open + 3, #ARGV, 2 do
    local id, user = ARGV[at], ARGV[at + 1]
    if redis.call('ZREM', TABS, user .. '\0' .. id) == 1 then
        redis.call('HDEL', CONNECTIONS, id)
        redis.call('ZREM', CONNECTIONS_UNTIL, id)
    end
end
return redis.status_reply('OK')
