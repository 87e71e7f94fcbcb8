-- What every script begins with. Read the rustdoc of `Redis` first: it has the rules.
--
-- Everything of a hub lies under keys with one hash tag, so in one slot of a cluster:
--   log          the window, a stream; the two halves of an id are the sequence and the time, in milliseconds
--   head         epoch, sequence, removed, floor, bytes; run, always, replicas: see `settle`
--   epochs       "token began", oldest first; one ends where the next begins
--   senders      by sender: "ticket epoch first", what it appended last; senders_at: when
--   keys         by idempotency key: digest .. "epoch first count"; keys_at: when
--   revocations  what is revoked, by time
--   grants       by user: {group: "since at"}
--   presences    by user: {said: the presence announced last, here: {instance: "word until"}}, while one is here;
--                the instance "" stands for those who are expected back
--   due          when the presence of a user may become another; head has tended and pardon: see `pardoned`
--   claims       by instance: the number of its last question, and the changes that it has not said it received
--   users        until when a user is known to have been here: grants are forgotten a window later
--   connections  by id, as the hub saved it; connections_until: how long it is expected back
--   tabs         "user NUL connection": the connections of each user
--   members      by instance: "at position streams name"
local LOG, HEAD, EPOCHS, SENDERS, SENDERS_AT, USED, USED_AT, REVOCATIONS, GRANTS, PRESENCES, DUE, CLAIMS,
    USERS, CONNECTIONS, CONNECTIONS_UNTIL, TABS, MEMBERS, WAKE = unpack(KEYS)

local EPOCHS_MAX = 1024

-- A number as text: Lua's own way turns large ones into powers of ten.
local function text(number)
    return string.format('%.0f', number)
end

-- The store's clock: Unix milliseconds.
local function clock()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- An instance is there if it was heard of in the last so many milliseconds: `Member::is_alive`.
local ALIVE = 6000

local function is_alive(instance, now)
    local at = string.match(redis.call('HGET', MEMBERS, instance) or '', '^(%d+)')
    return at and now - tonumber(at) <= ALIVE
end

-- Until when nobody is said to have left because nothing is heard of an instance. A lease cannot be renewed while
-- the server is away: after a time in which nobody looked whose had ended, everybody has one lease more.
local function pardoned(now, lease)
    local head = redis.call('HMGET', HEAD, 'tended', 'pardon')
    if head[1] and now - tonumber(head[1]) > 5000 then
        return now + lease
    end
    return tonumber(head[2] or 0)
end

-- What is true of a user now, when it may no longer be, and until when the user is known to be here. An instance's word
-- is "o" for online, which turns into reconnecting when less than `grace` of it is left, or "r" for reconnecting.
-- Forgets those that have ended; what ended while nobody looked goes on for as long as it would from then.
local function presence(here, now, grace, lease, pardon)
    local online, known = 0, 0
    for instance, word in pairs(here) do
        local ends = tonumber(string.sub(word, 3))
        if string.sub(word, 1, 1) == 'o' then
            ends = math.max(ends, pardon)
            online = math.max(online, ends - grace)
        else
            ends = math.max(ends, pardon - lease + grace)
        end
        known = math.max(known, ends)
        if ends <= now then
            here[instance] = nil
        end
    end
    if now < online then
        return 'online', online, known
    elseif now < known then
        return 'reconnecting', known, known
    end
    return 'offline'
end

-- Tells the instances that there is something new. It only wakes: they read the log.
local function wake()
    redis.call('SPUBLISH', WAKE, '')
end

local function begin(token, sequence)
    redis.call('RPUSH', EPOCHS, token .. ' ' .. text(sequence))
    redis.call('LTRIM', EPOCHS, -EPOCHS_MAX, -1)
    redis.call('HSET', HEAD, 'epoch', token)
    wake()
end

-- Acknowledged entries may be gone: nobody can be continued from before this.
local function forget_all(sequence)
    redis.call('UNLINK', LOG, EPOCHS)
    redis.call('HSET', HEAD, 'removed', text(sequence), 'floor', text(sequence), 'bytes', '0')
end

-- Where an epoch ended, or the sequence given last; nothing for one that nobody knows.
local function reach(epoch, sequence)
    local epochs = redis.call('LRANGE', EPOCHS, 0, -1)
    for place = #epochs, 1, -1 do
        local token, began = string.match(epochs[place], '^(%S+) (%d+)$')
        if token == epoch then
            return sequence
        end
        sequence = tonumber(began)
    end
end

-- Answers the epoch and the sequence given last, by the rule of epochs:
--
-- The log belongs to one run of one server. Where another run has it, it was restarted, failed over or
-- copied, and an epoch begins. Nothing is missing then only if the run before synced every write to its disk
-- (`always`) and never had a replica that could have taken its place (`replicas`); otherwise what it had
-- acknowledged may be gone, and the log begins anew, which tells everybody. It does too once somebody comes
-- who has seen more of an epoch than there is of it.
local function settle(token, seen_epoch, seen_sequence)
    local server, replication = redis.call('INFO', 'server'), redis.call('INFO', 'replication')
    local run = string.match(server, 'run_id:(%w+)') .. ' ' .. string.match(replication, 'master_replid:(%w+)')
    local replicas = string.match(replication, 'connected_slaves:(%d+)') ~= '0'
    local head = redis.call('HMGET', HEAD, 'epoch', 'sequence', 'run', 'always', 'replicas')
    local epoch, sequence = head[1], tonumber(head[2] or 0)
    if not epoch then
        redis.call('UNLINK', unpack(KEYS, 1, #KEYS - 1))
        redis.call('HSET', HEAD, 'sequence', '0', 'removed', '0', 'floor', '0', 'bytes', '0')
    else
        local reached = sequence
        if seen_epoch ~= epoch and seen_epoch ~= '' then
            reached = reach(seen_epoch, sequence)
        end
        local is_proven = seen_epoch ~= '' and reached and seen_sequence > reached
        local is_possible = head[3] ~= run and (head[4] ~= '1' or head[5] == '1')
        if is_proven or is_possible then
            forget_all(sequence)
            epoch = nil
        elseif head[3] ~= run then
            epoch = nil
        end
    end
    if head[3] ~= run then
        redis.call('HSET', HEAD, 'run', run, 'always', '0', 'replicas', '0')
    end
    if replicas and head[5] ~= '1' then
        redis.call('HSET', HEAD, 'replicas', '1')
    end
    if not epoch then
        begin(token, sequence)
        epoch = token
    end
    return epoch, sequence
end

-- Whether every write is synced to disk: whoever may has asked, since a script can not.
local function say_always(always)
    if always ~= '' then
        redis.call('HSET', HEAD, 'always', always)
    end
end

-- Removes what has left the window, oldest first and `most` entries at most, but never the last: a history
-- knows by it where it stands. Answers how many.
local function trim(most, keep_count, keep_bytes, before)
    local head = redis.call('HMGET', HEAD, 'sequence', 'removed', 'floor', 'bytes')
    local sequence, removed = tonumber(head[1]), tonumber(head[2])
    local floor, bytes = tonumber(head[3]), tonumber(head[4])
    if before == 0 and sequence - removed <= keep_count and bytes <= keep_bytes then
        return 0
    end
    local taken, from, step = 0, '-', 8
    while taken < most do
        local oldest = redis.call('XRANGE', LOG, from, '+', 'COUNT', math.min(step, most - taken))
        local stays = #oldest == 0
        for _, entry in ipairs(oldest) do
            local place, at = string.match(entry[1], '^(%d+)-(%d+)$')
            place = tonumber(place)
            local is_due = place <= sequence - keep_count or bytes > keep_bytes or tonumber(at) < before
            if place >= sequence or not is_due then
                stays = true
                break
            end
            taken, removed, from = taken + 1, place, '(' .. entry[1]
            bytes = bytes - #entry[2][6]
            if entry[2][2] == '0' then
                floor = place
            end
        end
        if stays then
            break
        end
        step = 128
    end
    if taken > 0 then
        redis.call('XTRIM', LOG, 'MINID', text(removed + 1))
        redis.call('HSET', HEAD, 'removed', text(removed), 'floor', text(floor), 'bytes', text(bytes))
    end
    return taken
end
