-- Whether a user is here. ARGV: user, grace, how long a lease lasts.
local kept = redis.call('HGET', PRESENCES, ARGV[1])
if not kept then
    return 'offline'
end
local now, grace, lease = clock(), tonumber(ARGV[2]), tonumber(ARGV[3])
return (presence(cjson.decode(kept).here, now, grace, lease, pardoned(now, lease)))
