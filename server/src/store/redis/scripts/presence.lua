-- Whether a user is here. ARGV: user, grace, how long a lease lasts.
local kept = redis.call('HGET', LEASES, ARGV[1])
if not kept then
    return 'offline'
end
local now = clock()
return (presence(cjson.decode(kept).here, now, tonumber(ARGV[2]), pardoned(now, tonumber(ARGV[3]))))
