-- Hands a partition to a new owner: epoch + 1, so that every earlier owner is fenced.
--
-- Keys, all with the partition's hash tag:
--   KEYS[1]  <p>:meta      hash  read, written
--   KEYS[2]  <p>:admitted  hash  read
--
-- ARGV: claim id, '1' if the registry knows of checkpoints, partitions, topic id ('' unknown),
--       log start, log end, the oldest schema whose states the claimer reads, the one it writes
-- Returns {'ok', epoch, number, offset, max ts, admitted as a flat list, meta as a flat list}, or
-- {verdict, stored}.
-- Every check is made before the first write.

local claim, known, partitions, topic_id, log_start, log_end, oldest, schema = unpack(ARGV)

local function text(value) return value or '' end

for _, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' and kind ~= 'hash' then return {'type', key, kind} end
end

local stored = redis.call('HMGET', KEYS[1], 'epoch', 'number', 'offset', 'max_ts_ms', 'start',
  'schema', 'partitions', 'topic_id', 'dirty', 'oldest_schema')
local epoch, number, offset, max_ts_ms, start = unpack(stored, 1, 5)

if not epoch then
  if known == '1' then return {'missing', ''} end
  redis.call('HSET', KEYS[1], 'epoch', 1, 'claim', claim, 'number', 0, 'start', log_start,
    'schema', schema, 'partitions', partitions, 'topic_id', topic_id)
  return {'ok', '1', '0', '', '', redis.call('HGETALL', KEYS[2]), {}}
end

if stored[9] then return {'dirty', stored[9]} end
-- States keep the schema they were written with until they change: the oldest is never forgotten.
local written, first = tonumber(stored[6]), tonumber(stored[10] or stored[6])
if not written or not first or written > tonumber(schema) or first < tonumber(oldest) then
  return {'schema', text(stored[6])}
end
if stored[7] ~= partitions then return {'partitions', text(stored[7])} end
local stored_id = text(stored[8])
if stored_id ~= '' and topic_id ~= '' and stored_id ~= topic_id then
  return {'topic_id', stored_id}
end
-- Before its first checkpoint a partition still owes every record since its first claim.
local due = tonumber(offset or start)
if due < tonumber(log_start) then return {'below', offset or start} end
if due > tonumber(log_end) then return {'above', offset or start} end

local next_epoch = string.format('%.0f', tonumber(epoch) + 1)
if stored[6] ~= schema and not stored[10] then
  redis.call('HSET', KEYS[1], 'oldest_schema', stored[6])
end
redis.call('HSET', KEYS[1], 'epoch', next_epoch, 'claim', claim, 'schema', schema,
  'topic_id', topic_id ~= '' and topic_id or stored_id)
return {'ok', next_epoch, number, text(offset), text(max_ts_ms), redis.call('HGETALL', KEYS[2]),
  redis.call('HGETALL', KEYS[1])}
