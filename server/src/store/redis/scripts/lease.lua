-- Stores what an instance knows of who is here, and answers "user, presence" for each change that comes of it or of
-- the time: of those named, of those whose time has come, of those whose change was answered and not received.
-- ARGV: instance, grace, how long a lease lasts, the number of this question, the number of the last one whose answer
-- has come; then for each user it, "o", "r" or "f" for offline, and for how long.
-- The answer begins with whether more may be due.
local STEP, CLAIM = 100, 5000
local instance, grace, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local number, received = ARGV[4], ARGV[5]
local now = clock()
local pardon = pardoned(now, lease)
redis.call('HSET', HEAD, 'tended', text(now), 'pardon', text(pardon))

local changes = {}

-- Writes down what is known of a user, and says so if it is another word than the last.
local function write(user, known)
    local word, changes_at, ends = presence(known.here, now, grace, pardon)
    local is_change = word ~= (known.said or 'offline')
    known.said = word
    if ends then
        redis.call('HSET', LEASES, user, cjson.encode(known))
        redis.call('ZADD', DUE, text(changes_at), user)
    else
        redis.call('HDEL', LEASES, user)
        redis.call('ZREM', DUE, user)
    end
    if is_change then
        changes[user] = word
    end
    return ends
end

local function read(user)
    local kept = redis.call('HGET', LEASES, user)
    return kept and cjson.decode(kept) or {here = {}}
end

for at = 6, #ARGV, 3 do
    local user, word, lasts = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    local known = read(user)
    if word == 'f' then
        known.here[instance] = nil
    else
        known.here[instance] = word .. ' ' .. text(now + lasts)
    end
    if word == 'o' then
        -- Whoever was expected has come, and whose instance is gone may have come from it.
        for holder in pairs(known.here) do
            if holder ~= instance and not is_alive(holder, now) then
                known.here[holder] = nil
            end
        end
    end
    local ends = write(user, known)
    if ends then
        redis.call('ZADD', USERS, 'GT', text(ends), user)
    else
        redis.call('ZADD', USERS, text(now), user)
    end
end

local due = redis.call('ZRANGEBYSCORE', DUE, '-inf', text(now), 'LIMIT', 0, STEP)
for _, user in ipairs(due) do
    write(user, read(user))
end

-- What this instance has not received, and what another has not for so long that it is likely gone.
local claims = redis.call('HGETALL', CLAIMS)
for place = 1, #claims, 2 do
    local claim = cjson.decode(claims[place + 1])
    local is_own = claims[place] == instance
    if is_own and claim.number == received then
        redis.call('HDEL', CLAIMS, instance)
    elseif is_own or now - tonumber(claim.at) > CLAIM then
        redis.call('HDEL', CLAIMS, claims[place])
        for _, user in ipairs(claim.users) do
            changes[user] = changes[user] or read(user).said or 'offline'
        end
    end
end

local answer, users = {#due == STEP and 1 or 0}, {}
for user, word in pairs(changes) do
    users[#users + 1] = user
    answer[#answer + 1] = user
    answer[#answer + 1] = word
end
if #users > 0 then
    redis.call('HSET', CLAIMS, instance, cjson.encode({number = number, at = text(now), users = users}))
end
return answer
