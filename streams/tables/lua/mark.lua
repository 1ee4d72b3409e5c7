-- Notes that a partition has a checkpoint from now on, where its namespace still knows its topic.
--
-- Keys:
--   KEYS[1]  kpi:<namespace>:registry  hash  read, written
--
-- ARGV: topic, partition
-- Returns 1, or 0 where the namespace is gone or going: a mark would outlive it.

if redis.call('HEXISTS', KEYS[1], 'topic:' .. ARGV[1]) == 0
  or redis.call('HEXISTS', KEYS[1], 'dropping') == 1 then
  return 0
end
redis.call('HSET', KEYS[1], 'checkpointed:' .. ARGV[1] .. ':' .. ARGV[2], 1)
return 1
