-- Removes what has had its time, in steps. ARGV: token, the epoch and sequence followed last; whether every write is
-- synced to disk ("" where nobody may ask); count, bytes and age of the window; how long keys and revocations are kept.
-- Answers whether there may be more.
local STEP, A_DAY, A_MINUTE = 500, 86400000, 60000
settle(ARGV[1], ARGV[2], tonumber(ARGV[3]))
say_always(ARGV[4])
local keep_age = tonumber(ARGV[7])
local now = clock()
local most = trim(STEP, tonumber(ARGV[5]), tonumber(ARGV[6]), now - keep_age)

local function due(times, before)
    local names = redis.call('ZRANGEBYSCORE', times, '-inf', '(' .. text(before), 'LIMIT', 0, STEP)
    most = math.max(most, #names)
    if #names > 0 then
        redis.call('ZREM', times, unpack(names))
    end
    return names
end

local function forget(times, before, ...)
    local names = due(times, before)
    if #names > 0 then
        for _, what in ipairs({...}) do
            redis.call('HDEL', what, unpack(names))
        end
    end
end

forget(USED_AT, now - tonumber(ARGV[8]), USED)
forget(REVOCATIONS, now - tonumber(ARGV[9]))
-- No connection delivers a question so much later than it was asked.
forget(SENDERS_AT, now - A_DAY, SENDERS)
-- A window beyond the end of a lease: so long stand the grants of who is away.
forget(USERS, now - keep_age, GRANTS)
-- By the hubs' clocks, which may be a little behind.
for _, id in ipairs(due(CONNECTIONS_UNTIL, now - A_MINUTE)) do
    local kept = redis.call('HGET', CONNECTIONS, id)
    local rest = kept and string.match(kept, '^%S+ %d+ (.*)$')
    if rest then
        redis.call('ZREM', TABS, cjson.decode(rest).user .. '\0' .. id)
    end
    redis.call('HDEL', CONNECTIONS, id)
end
return most == STEP
