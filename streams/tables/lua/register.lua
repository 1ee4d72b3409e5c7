-- Checks that a topic is the one that the namespace knows, or makes it known.
--
-- Keys:
--   KEYS[1]  kpi:<namespace>:registry  hash  read; topic, topic id and schema are written if absent
--
-- ARGV: topic, partition, partitions, topic id ('' unknown), schema version
-- Returns {'ok', '1' if the partition ever had a checkpoint, else '0'}, or {verdict, stored}.

local topic, partition, partitions, topic_id, schema = unpack(ARGV)

local stored = redis.pcall('HMGET', KEYS[1], 'schema', 'dropping', 'topic:' .. topic,
  'topic_id:' .. topic, 'checkpointed:' .. topic .. ':' .. partition)
if stored.err then return {'type', KEYS[1], stored.err} end

if stored[2] then return {'dropping', ''} end
if stored[1] and stored[1] ~= schema then return {'schema', stored[1]} end
if stored[3] and stored[3] ~= partitions then return {'partitions', stored[3]} end
if stored[4] and stored[4] ~= '' and topic_id ~= '' and stored[4] ~= topic_id then
  return {'topic_id', stored[4]}
end

if topic_id == '' then topic_id = stored[4] or '' end
redis.call('HSET', KEYS[1], 'schema', schema, 'topic:' .. topic, partitions,
  'topic_id:' .. topic, topic_id)
return {'ok', stored[5] and '1' or '0'}
