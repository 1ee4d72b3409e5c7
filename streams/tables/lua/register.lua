-- Checks that a topic is the one that the namespace knows, or makes it known.
--
-- Keys:
--   KEYS[1]  kpi:<namespace>:registry  hash  read; topic, topic id and schema are written if absent
--
-- ARGV: topic, partition, partitions, topic id ('' unknown), the oldest schema that the
--       program takes over, the one it writes
-- Returns {'ok', '1' if the partition ever had a checkpoint, else '0'}, or {verdict, stored}.

local topic, partition, partitions, topic_id, oldest, schema = unpack(ARGV)

local stored = redis.pcall('HMGET', KEYS[1], 'schema', 'dropping', 'topic:' .. topic,
  'topic_id:' .. topic, 'checkpointed:' .. topic .. ':' .. partition)
if stored.err then return {'type', KEYS[1], stored.err} end

if stored[2] then return {'dropping', ''} end
local first = tonumber(stored[1] or schema)
if not first or first < tonumber(oldest) or first > tonumber(schema) then
  return {'schema', stored[1]}
end
if stored[3] and stored[3] ~= partitions then return {'partitions', stored[3]} end
if stored[4] and stored[4] ~= '' and topic_id ~= '' and stored[4] ~= topic_id then
  return {'topic_id', stored[4]}
end

if topic_id == '' then topic_id = stored[4] or '' end
-- The schema stays the first program's: older ones go on beside a newer one until they are replaced.
redis.call('HSET', KEYS[1], 'schema', stored[1] or schema, 'topic:' .. topic, partitions,
  'topic_id:' .. topic, topic_id)
return {'ok', stored[5] and '1' or '0'}
