-- Begins an epoch for a run, or goes on after a reconnection.
-- ARGV: token, "begin" or "join", the epoch and sequence followed last, the hub's secret, and whether every
-- write is synced to disk ("" where nobody may ask).
-- Answers the secret.
local token, how = ARGV[1], ARGV[2]
local epoch, sequence = settle(token, ARGV[3], tonumber(ARGV[4]))
if how == 'begin' and epoch ~= token and not reach(token, sequence) then
    begin(token, sequence)
end
say_always(ARGV[6])
redis.call('HSETNX', HEAD, 'secret', ARGV[5])
return redis.call('HGET', HEAD, 'secret')
