-- The connections of a user at other instances that are there. ARGV: user, instance, the time of the hub's clock.
local now, open = clock(), {}
local prefix = ARGV[1] .. '\0'
for _, tab in ipairs(redis.call('ZRANGEBYLEX', TABS, '[' .. prefix, '(' .. ARGV[1] .. '\1', 'LIMIT', 0, 1000)) do
    local id = string.sub(tab, #prefix + 1)
    local kept = redis.call('HGET', CONNECTIONS, id)
    local instance, ends = string.match(kept or '', '^(%S+) (%d+) ')
    if instance and instance ~= ARGV[2] and tonumber(ends) > tonumber(ARGV[3]) and is_alive(instance, now) then
        open[#open + 1] = id
    end
end
return open
