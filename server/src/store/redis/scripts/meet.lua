-- Tells that an instance is there, and answers all that are: how long ago each was heard of, in milliseconds, its
-- position, its streams, its name. ARGV: instance, position, streams, name; how long one is remembered.
local now = clock()
redis.call('HSET', MEMBERS, ARGV[1], text(now) .. ' ' .. ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4])
local kept, met = redis.call('HGETALL', MEMBERS), {}
for place = 1, #kept, 2 do
    local at, position, streams, name = string.match(kept[place + 1], '^(%d+) (%d+) (%d+) (.*)$')
    local silent = now - tonumber(at)
    if silent > tonumber(ARGV[5]) then
        redis.call('HDEL', MEMBERS, kept[place])
    else
        met[#met + 1] = {silent, tonumber(position), tonumber(streams), name}
    end
end
return met
