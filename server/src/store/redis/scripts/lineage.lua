-- What there is of epochs, as of one moment: the sequence given last, the one removed last, the last of
-- those that anybody could miss, and "token began" of each epoch.
local head = redis.call('HMGET', HEAD, 'sequence', 'removed', 'floor')
local epochs = redis.call('LRANGE', EPOCHS, 0, -1)
if not head[1] then
    return false
end
return {tonumber(head[1]), tonumber(head[2]), tonumber(head[3]), epochs}
