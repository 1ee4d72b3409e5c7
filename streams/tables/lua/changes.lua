-- Returns, at one instant, a partition's progress and the panes changed after a checkpoint.
--
-- Keys, all with the partition's hash tag:
--   KEYS[1]  <p>:meta                    hash  read
--            <p>:changed:<rung>          zset  read
--            <p>:pane:<rung>:<start>     hash  read
--            <p>:sketch:<rung>:<start>   hash  read
--
-- ARGV: checkpoint number, then for each rung: its name, first pane start, end of pane starts
-- Returns {meta as a flat list, panes as a flat list of rung, start, cells, sketches}.

local prefix = string.sub(KEYS[1], 1, -5)
local panes = {}
for i = 2, #ARGV, 3 do
  local rung, first, last = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local starts = redis.call('ZRANGEBYSCORE', prefix .. 'changed:' .. rung, '(' .. ARGV[1], '+inf')
  for _, start in ipairs(starts) do
    local number = tonumber(start)
    if number >= first and number < last then
      panes[#panes + 1] = rung
      panes[#panes + 1] = start
      panes[#panes + 1] = redis.call('HGETALL', prefix .. 'pane:' .. rung .. ':' .. start)
      panes[#panes + 1] = redis.call('HGETALL', prefix .. 'sketch:' .. rung .. ':' .. start)
    end
  end
end
return {redis.call('HGETALL', KEYS[1]), panes}
