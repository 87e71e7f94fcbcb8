-- An instance ends, and says goodbye to users: they are expected back, unless another instance has them.
-- ARGV: instance; then for each user it, "o" or "r", and for how long.
local instance = ARGV[1]
local now = clock()
for at = 2, #ARGV, 3 do
    local user, word, lasts = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    local kept = redis.call('HGET', PRESENCES, user)
    local known = kept and cjson.decode(kept) or {here = {}}
    known.here[instance] = nil
    local is_elsewhere = false
    for holder, other in pairs(known.here) do
        is_elsewhere = is_elsewhere or string.sub(other, 1, 1) == 'o' and is_alive(holder, now)
    end
    if not is_elsewhere then
        known.here[''] = word .. ' ' .. text(now + lasts)
    end
    redis.call('HSET', PRESENCES, user, cjson.encode(known))
    -- Whoever looks next says what is true by then.
    redis.call('ZADD', DUE, text(now), user)
end
return redis.status_reply('OK')
