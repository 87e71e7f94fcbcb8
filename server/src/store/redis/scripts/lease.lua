-- Stores what an instance knows of who is here, and answers "user, presence" for each change that comes of it or of
-- the time: of those named, of those whose time has come, of those whose change was answered and not received.
-- ARGV: instance, grace, how long a lease lasts, the number of this question, the number of the last one whose answer
-- has come; then for each user it, "o", "r" or "f" for offline, and for how long.
-- The answer begins with whether more may be due. Nothing where there is no log, which would be emptied with all else.
local STEP, CLAIM, A_DAY = 100, 5000, 86400000
local instance, grace, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local number, received = tonumber(ARGV[4]), tonumber(ARGV[5])
local now = clock()
if redis.call('HEXISTS', HEAD, 'epoch') == 0 then
    return false
end

local own = redis.call('HGET', CLAIMS, instance)
own = own and cjson.decode(own) or {number = 0, users = {}}
if number <= own.number then
    -- It was given up in a dead connection, and newer words have been said since.
    return {'0'}
end
local pardon = pardoned(now, lease)
redis.call('HSET', HEAD, 'tended', text(now), 'pardon', text(pardon))

local changes = {}

-- Writes down what is known of a user, and says so if it is another word than the last.
local function write(user, known)
    local word, changes_at, ends = presence(known.here, now, grace, lease, pardon)
    if word ~= (known.said or 'offline') then
        changes[user] = word
    end
    known.said = word
    if ends then
        redis.call('HSET', PRESENCES, user, cjson.encode(known))
        redis.call('ZADD', DUE, text(changes_at), user)
    else
        redis.call('HDEL', PRESENCES, user)
        redis.call('ZREM', DUE, user)
    end
    return ends
end

local function read(user)
    local kept = redis.call('HGET', PRESENCES, user)
    return kept and cjson.decode(kept) or {here = {}}
end

for at = 6, #ARGV, 3 do
    local user, word, lasts = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    local known = read(user)
    for holder in pairs(known.here) do
        -- Whoever was expected has come, and whose instance is gone has had the time to.
        local is_gone = holder ~= '' and now >= pardon and not is_alive(holder, now)
        if holder == instance or is_gone or holder == '' and word == 'o' then
            known.here[holder] = nil
        end
    end
    if word ~= 'f' then
        known.here[instance] = word .. ' ' .. text(now + lasts)
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

local function say_again(users)
    for _, user in ipairs(users) do
        changes[user] = changes[user] or read(user).said or 'offline'
    end
end

-- What this instance has not received, and what another has not for so long that it is likely gone.
if own.number ~= received then
    say_again(own.users)
end
local claims = redis.call('HGETALL', CLAIMS)
for place = 1, #claims, 2 do
    local claim = cjson.decode(claims[place + 1])
    local silent = now - tonumber(claim.at)
    if claims[place] ~= instance and #claim.users > 0 and silent > CLAIM then
        say_again(claim.users)
        claim.users = {}
        redis.call('HSET', CLAIMS, claims[place], cjson.encode(claim))
    elseif silent > A_DAY then
        -- No connection delivers a question so much later than it was asked.
        redis.call('HDEL', CLAIMS, claims[place])
    end
end

local answer, users = {#due == STEP and '1' or '0'}, {}
for user, word in pairs(changes) do
    users[#users + 1] = user
    answer[#answer + 1] = user
    answer[#answer + 1] = word
end
redis.call('HSET', CLAIMS, instance, cjson.encode({number = number, at = text(now), users = users}))
return answer
