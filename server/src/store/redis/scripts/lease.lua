-- Stores who is here, and the end of who has left. ARGV: instance, how many are here, then for each the user
-- and for how long; then those who have left. Answers for each of them whether it changed that the user has
-- any lease.
--
-- Whoever finds no living lease has brought the user here; whoever takes the last one away, ended ones
-- included, has told of the end.
local instance, here = ARGV[1], tonumber(ARGV[2])
local now = clock()
local changed = {}

local function living(holders)
    for holder, ends in pairs(holders) do
        if tonumber(ends) <= now then
            holders[holder] = nil
        end
    end
    return holders
end

for n = 1, here do
    local user, ends = ARGV[2 * n + 1], text(now + ARGV[2 * n + 2])
    local holders = living(cjson.decode(redis.call('HGET', LEASES, user) or '{}'))
    changed[n] = next(holders) and 0 or 1
    holders[instance] = ends
    redis.call('HSET', LEASES, user, cjson.encode(holders))
    redis.call('ZADD', USERS, 'GT', ends, user)
end
for at = 2 * here + 3, #ARGV do
    local user = ARGV[at]
    local kept = redis.call('HGET', LEASES, user)
    local is_last = false
    if kept and kept ~= '{}' then
        local holders = cjson.decode(kept)
        holders[instance] = nil
        is_last = not next(living(holders))
        redis.call('HSET', LEASES, user, cjson.encode(holders))
        if is_last then
            redis.call('ZADD', USERS, text(now), user)
        end
    end
    changed[#changed + 1] = is_last and 1 or 0
end
return changed
