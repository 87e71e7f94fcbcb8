-- The next entries. ARGV: behind which sequence, how many, and after how many bytes no more.
-- Answers the epoch, the sequence given last, the one removed last, and the entries; nothing without a log.
local head = redis.call('HMGET', HEAD, 'epoch', 'sequence', 'removed')
if not head[1] then
    return false
end
local rows, bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local from, entries, size = '(' .. ARGV[1] .. '-18446744073709551615', {}, 0
while #entries < rows and size < bytes do
    local more = redis.call('XRANGE', LOG, from, '+', 'COUNT', math.min(64, rows - #entries))
    for _, entry in ipairs(more) do
        if size >= bytes then
            break
        end
        local fields = entry[2]
        entries[#entries + 1] = {entry[1], fields[2], fields[4], fields[6]}
        size = size + #fields[6]
    end
    if #more < 64 then
        break
    end
    from = '(' .. more[#more][1]
end
return {head[1], tonumber(head[2]), tonumber(head[3]), entries}
