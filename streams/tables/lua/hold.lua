-- Holds a partition's checkpoints back for a while, so that its keys can be read in small requests
-- and still be of one moment. A hold ends by itself: whoever asked for it may have died.
--
-- Keys, all with the partition's hash tag:
--   KEYS[1]  <p>:meta  hash  read, written
--
-- ARGV: for how long from now (ms); 0 ends it
-- Returns meta as a flat list, without the hold; empty where the partition was never claimed.

if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
redis.call('HDEL', KEYS[1], 'held')
local meta = redis.call('HGETALL', KEYS[1])
if ARGV[1] ~= '0' then
  local now = redis.call('TIME')
  local until_ms = tonumber(now[1]) * 1000 + math.floor(now[2] / 1000) + tonumber(ARGV[1])
  redis.call('HSET', KEYS[1], 'held', string.format('%.0f', until_ms))
end
return meta
