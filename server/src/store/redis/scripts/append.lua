-- Gives drafts their places, next to each other: all of them, or none.
-- ARGV: token, the epoch and sequence followed last; sender, ticket; count, bytes and age of the window;
-- key, digest, how long and how many keys are kept; then for each draft kind, channels, body, subject, group.
-- Answers what became of it, and of entries the epoch and the first sequence.
local token, seen_epoch, seen_sequence = ARGV[1], ARGV[2], tonumber(ARGV[3])
local sender, ticket = ARGV[4], ARGV[5]
local keep_count, keep_bytes, keep_age = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local key, digest, keep_keys, keys_max = ARGV[9], ARGV[10], tonumber(ARGV[11]), tonumber(ARGV[12])
local DRAFTS, WIDTH = 13, 5

local epoch, sequence = settle(token, seen_epoch, seen_sequence)
local now = clock()
local count = (#ARGV - DRAFTS + 1) / WIDTH

if sender ~= '' then
    -- The tickets of a sender rise. What is tried again was appended, or is lost with all that was. What comes
    -- behind a later one was given up, and stood in a connection that nobody reads any more.
    local last, its_epoch, first = string.match(redis.call('HGET', SENDERS, sender) or '', '^(%d+) (%S+) (%d+)$')
    if last == ticket then
        return {'known', its_epoch, tonumber(first), count}
    elseif last and tonumber(ticket) < tonumber(last) then
        return {'late', false, false, false}
    end
end
if key ~= '' then
    local used_at = redis.call('ZSCORE', USED_AT, key)
    if used_at and tonumber(used_at) >= now - keep_keys then
        local used = redis.call('HGET', USED, key)
        if string.sub(used, 1, #digest) ~= digest then
            return {'conflict', false, false, false}
        end
        local its_epoch, first, its_count = string.match(string.sub(used, #digest + 1), '^(%S+) (%d+) (%d+)$')
        return {'known', its_epoch, tonumber(first), tonumber(its_count)}
    end
    if not used_at and redis.call('ZCARD', USED_AT) >= keys_max then
        return {'full', false, false, false}
    end
end

local first, size = sequence + 1, 0
for at = DRAFTS, #ARGV, WIDTH do
    local kind, channels, body, subject, group = unpack(ARGV, at, at + WIDTH - 1)
    sequence = sequence + 1
    size = size + #body
    redis.call('XADD', LOG, text(sequence) .. '-' .. text(now), 'k', kind, 'c', channels, 'b', body)
    if kind == '2' then
        redis.call('ZADD', REVOCATIONS, text(now), subject)
    elseif kind == '4' then
        -- The first of two grants that crossed stands. One that comes again after a whole window had been
        -- forgotten, and whether the group was lost in between with it.
        local granted = cjson.decode(redis.call('HGET', GRANTS, subject) or '{}')
        local granted_at = string.match(granted[group] or '', ' (%d+)$')
        if not granted_at or tonumber(granted_at) < now - keep_age then
            granted[group] = text(sequence) .. ' ' .. text(now)
            redis.call('HSET', GRANTS, subject, cjson.encode(granted))
        end
        redis.call('ZADD', USERS, 'GT', text(now), subject)
    elseif kind == '5' then
        local granted = cjson.decode(redis.call('HGET', GRANTS, subject) or '{}')
        granted[group] = nil
        if next(granted) then
            redis.call('HSET', GRANTS, subject, cjson.encode(granted))
        else
            redis.call('HDEL', GRANTS, subject)
        end
    end
end
redis.call('HSET', HEAD, 'sequence', text(sequence))
redis.call('HINCRBY', HEAD, 'bytes', size)
if sender ~= '' then
    redis.call('HSET', SENDERS, sender, ticket .. ' ' .. epoch .. ' ' .. text(first))
    redis.call('ZADD', SENDERS_AT, text(now), sender)
end
if key ~= '' then
    redis.call('HSET', USED, key, digest .. epoch .. ' ' .. text(first) .. ' ' .. text(count))
    redis.call('ZADD', USED_AT, text(now), key)
end
-- Twice as many may leave as have come, so that removal cannot fall behind.
trim(2 * count, keep_count, keep_bytes, 0)
wake()
return {'placed', epoch, first, count}
