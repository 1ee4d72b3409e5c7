-- Returns the timers that are due, with the states that they belong to.
--
-- Keys, all with the partition's hash tag:
--   KEYS[1]  <p>:meta               hash  not touched: it gives the prefix of
--            <p>:timers             zset  read
--            <p>:state:<processor>  hash  read, for each processor with a timer due
--
-- ARGV: watermark (ms), limit, how many of the first to leave out
-- Returns {members, states}: members are processor NUL state id, in order of (due, member); a
-- state never stored is nil.

local prefix = string.sub(KEYS[1], 1, -5)
local members = redis.call('ZRANGEBYSCORE', prefix .. 'timers', '-inf', ARGV[1], 'LIMIT', ARGV[3],
  ARGV[2])

local states = {}
for i, member in ipairs(members) do
  local cut = string.find(member, '\0', 1, true)
  states[i] = redis.call('HGET', prefix .. 'state:' .. string.sub(member, 1, cut - 1),
    string.sub(member, cut + 1))
end
return {members, states}
