-- Applies one checkpoint of one partition, whole or not at all.
--
-- Keys, all with the partition's hash tag:
--   KEYS[1]  <p>:meta                    hash    read, written
--            <p>:admitted                hash    read, written
--            <p>:timers                  zset    written
--            <p>:log                     stream  written, capped
--            <p>:state:<processor>       hash    written
--            <p>:index:<rung>            zset    read, written
--            <p>:changed:<rung>          zset    written
--            <p>:pane:<rung>:<start>     hash    read, written, deleted once expired
--            <p>:sketch:<rung>:<start>   hash    read, written, deleted once expired
--
-- ARGV, made by streams/tables/encode.py: a msgpack map, and all binary strings one after another
-- (cmsgpack does not read msgpack's binary type); the map has their sizes, in the same order.
-- Returns {'ok'}, {'applied'} where this very checkpoint is stored already, or
-- {verdict, what, stored, given}.
--
-- A script is not a transaction: an error midway leaves its earlier writes. So the first part only
-- reads, checks and collects; the second part only writes, and nothing in it can fail. Should it
-- fail all the same, the mark `dirty` stays behind and no owner goes on from there.

local SLICE = 4000      -- arguments a call: unpack() overflows Lua's C stack near 8000
local EXACT = 2 ^ 52    -- doubles add exactly below this
local DIGITS = 17       -- stored integers and deltas are below 10^17
local SKETCH = 2048     -- hashes that a distinct count keeps
local HASH = 8          -- bytes of a hash
local COMPACT = 4 * SKETCH * HASH  -- bytes at which a sketch is compacted
local EXPIRE = 1000     -- panes a rung deleted at most by one checkpoint
local LOG = 32          -- checkpoints kept for followers

local prefix = string.sub(KEYS[1], 1, -5)
local c = cmsgpack.unpack(ARGV[1])

local tail, taken, sub = ARGV[2], 0, string.sub
local function take(sizes)
  local items, from = {}, taken
  for i = 1, #sizes do
    local upto = from + sizes[i]
    items[i] = sub(tail, from + 1, upto)
    from = upto
  end
  taken = from
  return items
end

-- Part 1: reads and checks ----------------------------------------------------------------------

local stored = redis.pcall('HGETALL', KEYS[1])
if stored.err then return {'type', KEYS[1], stored.err, ''} end
local meta = {}
for i = 1, #stored, 2 do meta[stored[i]] = stored[i + 1] end

if not meta.epoch then return {'fenced', 'state', 'none', ''} end
if meta.dirty then return {'dirty', 'checkpoint', meta.dirty, ''} end
if meta.schema ~= c.schema then return {'fenced', 'schema', meta.schema or '', c.schema} end
if meta.epoch ~= c.epoch then return {'fenced', 'epoch', meta.epoch, c.epoch} end
if meta.claim ~= c.claim then return {'fenced', 'claim', meta.claim or '', c.claim} end
if meta.number == c.number and meta.offset == c.offset and meta.writer == c.claim then
  return {'applied'}
end
if tonumber(meta.number) + 1 ~= tonumber(c.number) then
  return {'fenced', 'number', meta.number, c.number}
end
if (meta.offset or '') ~= c.expected then
  return {'fenced', 'offset', meta.offset or 'none', c.expected ~= '' and c.expected or 'none'}
end

if meta.held then  -- while a backup reads (hold.lua)
  local now = redis.call('TIME')
  local now_ms = tonumber(now[1]) * 1000 + math.floor(now[2] / 1000)
  if now_ms < tonumber(meta.held) then
    return {'held', 'checkpoint', string.format('%.0f', meta.held - now_ms), ''}
  end
end

local function wrong_type(key, wanted)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' and kind ~= wanted then return {'type', key, kind, wanted} end
end

-- Below 10^17 in absolute value, and written as HINCRBY reads it.
local function in_range(value)
  if type(value) == 'number' then return true end  -- below 2^53: encode.py sends others as text
  local sign, digits = string.match(value, '^(-?)(%d+)$')
  return digits and #digits <= DIGITS and (#digits == 1 or string.byte(digits) ~= 48)
    and not (sign == '-' and digits == '0')
end

local writes = {}     -- {key, {field, value, ...}}
local increments = {} -- {key, field, delta}: sums that doubles cannot hold

local function text(value)
  return type(value) == 'number' and string.format('%.0f', value) or value
end

local function not_integer(key, fields, deltas, what)
  for i, field in ipairs(fields) do
    local old = redis.call('HGET', key, field)
    if old and not in_range(old) then return {'range', what .. field, old, text(deltas[i])} end
  end
end

-- Collects what a hash's integers become. This is most of the script's work: one call reads
-- thousands of fields, and one pattern looks at all their digits.
local function add(key, fields, deltas, what)
  local set, length, olds, known = {}, 0, {}, 0
  for first = 1, #fields, SLICE do
    local last = math.min(first + SLICE - 1, #fields)
    local before = redis.pcall('HMGET', key, unpack(fields, first, last))
    if before.err then return {'type', key, before.err, 'hash'} end
    for i = first, last do
      local old, delta = before[i - first + 1] or 0, deltas[i]
      local number = old == 0 and 0 or tonumber(old)
      if number and number > -EXACT and number < EXACT and type(delta) == 'number' then
        if old ~= 0 then
          known = known + 1
          olds[known] = old
        end
        set[length + 1] = fields[i]
        set[length + 2] = number + delta
        length = length + 2
      elseif in_range(old) and in_range(delta) then
        increments[#increments + 1] = {key, fields[i], delta}
      else
        return {'range', what .. fields[i], old, text(delta)}
      end
    end
  end
  -- Lua would also take 1e5 or 0x10 for a number.
  if string.find(table.concat(olds), '[^%d-]') then
    return not_integer(key, fields, deltas, what)
  end
  if length > 0 then writes[#writes + 1] = {key, set} end
end

-- A hash is compared as two halves: a double holds 53 of its 64 bits, and Lua compares strings by
-- the server's locale.
local function halves(blob, at) return struct.unpack('>I4I4', blob, at) end

local function below(blob, limit)
  local high, low = halves(limit, 1)
  local kept, count = {}, 0
  for at = 1, #blob, HASH do
    local h, l = halves(blob, at)
    if h < high or (h == high and l < low) then
      count = count + 1
      kept[count] = string.sub(blob, at, at + HASH - 1)
    end
  end
  return table.concat(kept)
end

-- The k-th smallest of distinct numbers, by counting them in buckets: hashes are spread evenly, so
-- that only a handful needs sorting.
local BUCKETS = 1024
local function kth_smallest(numbers, k)
  local least, most = math.huge, -math.huge
  for _, number in ipairs(numbers) do
    if number < least then least = number end
    if number > most then most = number end
  end
  local width = (most - least + 1) / BUCKETS
  local counts = {}
  for bucket = 0, BUCKETS do counts[bucket] = 0 end
  for _, number in ipairs(numbers) do
    local bucket = math.floor((number - least) / width)
    counts[bucket] = counts[bucket] + 1
  end
  local before, bucket = 0, 0
  while before + counts[bucket] < k do
    before = before + counts[bucket]
    bucket = bucket + 1
  end
  local inside = {}
  for _, number in ipairs(numbers) do
    if math.floor((number - least) / width) == bucket then inside[#inside + 1] = number end
  end
  table.sort(inside)
  return inside[k - before]
end

-- Exact however alike the hashes are, and slow.
local function compact_twins(blob)
  local seen, all = {}, {}
  for at = 1, #blob, HASH do
    local hash = string.sub(blob, at, at + HASH - 1)
    if not seen[hash] then
      seen[hash] = true
      all[#all + 1] = hash
    end
  end
  table.sort(all, function(a, b)
    local high_a, low_a = halves(a, 1)
    local high_b, low_b = halves(b, 1)
    return high_a < high_b or (high_a == high_b and low_a < low_b)
  end)
  return table.concat(all, '', 1, math.min(#all, SKETCH)), all[SKETCH]
end

-- The smallest distinct hashes, and the largest of them if there are SKETCH.
local function compact(blob)
  local members, numbers, count = {}, {}, 0
  for at = 1, #blob, HASH do
    local high, low = halves(blob, at)
    local number = high * 2097152 + (low - low % 2048) / 2048  -- the top 53 bits
    local hash = string.sub(blob, at, at + HASH - 1)
    local known = members[number]
    if not known then
      members[number] = hash
      count = count + 1
      numbers[count] = number
    elseif known ~= hash then
      return compact_twins(blob)
    end
  end
  local limit = count >= SKETCH and kth_smallest(numbers, SKETCH)
  local kept = {}
  for _, number in ipairs(numbers) do
    if not limit or number <= limit then kept[#kept + 1] = members[number] end
  end
  return table.concat(kept), limit and members[limit]
end

local compactable = 4 * COMPACT  -- bytes: what is left over, a later checkpoint compacts

local function merge(key, cells, blobs, what)
  local set = {}
  for i, cell in ipairs(cells) do
    local before = redis.pcall('HMGET', key, cell, cell .. '\0')
    if before.err then return {'type', key, before.err, 'hash'} end
    local blob, limit = before[1] or '', before[2]
    if #blob % HASH ~= 0 then return {'range', what .. cell, #blob .. ' bytes', ''} end
    local merged = blob .. (limit and below(blobs[i], limit) or blobs[i])
    if #merged > COMPACT and compactable > 0 then
      compactable = compactable - #merged
      merged, limit = compact(merged)
      if limit then
        set[#set + 1] = cell .. '\0'
        set[#set + 1] = limit
      end
    end
    if merged ~= blob or blob == '' then
      set[#set + 1] = cell
      set[#set + 1] = merged
    end
  end
  if #set > 0 then writes[#writes + 1] = {key, set} end
end

local kept = {}     -- rung -> panes that start before this are, or will be, deleted
local touched = {}  -- rung -> pane starts

local function bound(rung)
  if not kept[rung] then
    local field = 'kept:' .. rung
    kept[rung] = math.max(tonumber(meta[field] or '-inf') or -math.huge,
      c.expire[rung] or -math.huge)
  end
  return kept[rung]
end

for _, group in ipairs({{c.rungs, 'pane:', add}, {c.sketches, 'sketch:', merge}}) do
  local panes, name, apply = unpack(group)
  for _, pane in ipairs(panes) do
    local rung, start, indexes, values = unpack(pane)
    local cells = {}
    for i = 1, #indexes do cells[i] = c.names[indexes[i]] end
    if apply == merge then values = take(values) end
    -- A late delta to a deleted pane would make a partial one.
    if start >= bound(rung) then
      local suffix = rung .. ':' .. text(start)
      local fault = apply(prefix .. name .. suffix, cells, values, suffix .. ' ')
      if fault then return fault end
      touched[rung] = touched[rung] or {}
      touched[rung][start] = true
    end
  end
end

local expired = {}  -- rung -> pane starts
for rung in pairs(c.expire) do bound(rung) end
for field in pairs(meta) do  -- what an earlier checkpoint left over EXPIRE
  if string.sub(field, 1, 5) == 'kept:' then bound(string.sub(field, 6)) end
end
for rung, before in pairs(kept) do
  for _, key in ipairs({prefix .. 'index:' .. rung, prefix .. 'changed:' .. rung}) do
    local fault = wrong_type(key, 'zset')
    if fault then return fault end
  end
  if before > -math.huge then
    expired[rung] = redis.call('ZRANGEBYSCORE', prefix .. 'index:' .. rung, '-inf',
      '(' .. text(before), 'LIMIT', 0, EXPIRE)
  end
end

local states = {}  -- {key, {id, state, ...}, {deleted id, ...}}
for i, group in ipairs(c.states) do
  local processor, kept_sizes, deleted_sizes = unpack(group)
  local key = prefix .. 'state:' .. processor
  local fault = wrong_type(key, 'hash')
  if fault then return fault end
  states[i] = {key, take(kept_sizes), take(deleted_sizes)}
end
local timers = {}  -- due, member, ...
for i, member in ipairs(take(c.timers[2])) do
  timers[2 * i - 1] = c.timers[1][i]
  timers[2 * i] = member
end
local removed = take(c.timers[3])
local fault = wrong_type(prefix .. 'timers', 'zset') or wrong_type(prefix .. 'log', 'stream')
if fault then return fault end

for scope, values in pairs(c.admitted) do
  local key = prefix .. 'admitted'
  local packed = redis.pcall('HGET', key, scope)
  if packed and packed.err then return {'type', key, packed.err, 'hash'} end
  local all, seen = packed and cmsgpack.unpack(packed) or {}, {}
  for _, value in ipairs(all) do seen[value] = true end
  for _, value in ipairs(values) do
    if not seen[value] then
      seen[value] = true
      all[#all + 1] = value
    end
  end
  writes[#writes + 1] = {key, {scope, cmsgpack.pack(all)}}
end

fault = add(KEYS[1], c.counters[1], c.counters[2], '')
if fault then return fault end

-- Part 2: writes --------------------------------------------------------------------------------

local function sliced(command, key, values)
  for first = 1, #values, SLICE do
    redis.call(command, key, unpack(values, first, math.min(first + SLICE - 1, #values)))
  end
end

-- First, because a server without memory or disk refuses only a script's first write.
redis.call('HSET', KEYS[1], 'dirty', c.number)

for _, write in ipairs(writes) do sliced('HSET', write[1], write[2]) end
for _, increment in ipairs(increments) do redis.call('HINCRBY', unpack(increment)) end

for rung, starts in pairs(touched) do
  local index, changed = {}, {}
  for start in pairs(starts) do
    index[#index + 1] = start
    index[#index + 1] = start
    changed[#changed + 1] = c.number
    changed[#changed + 1] = start
  end
  sliced('ZADD', prefix .. 'index:' .. rung, index)
  sliced('ZADD', prefix .. 'changed:' .. rung, changed)
end

for rung, starts in pairs(expired) do
  for _, start in ipairs(starts) do
    redis.call('UNLINK', prefix .. 'pane:' .. rung .. ':' .. start,
      prefix .. 'sketch:' .. rung .. ':' .. start)
  end
  sliced('ZREM', prefix .. 'index:' .. rung, starts)
  sliced('ZREM', prefix .. 'changed:' .. rung, starts)
  redis.call('HSET', KEYS[1], 'kept:' .. rung, text(kept[rung]))
end

for _, group in ipairs(states) do
  sliced('HSET', group[1], group[2])
  sliced('HDEL', group[1], group[3])
end
sliced('ZADD', prefix .. 'timers', timers)
sliced('ZREM', prefix .. 'timers', removed)

-- Numbers are used again after the server went back to an older copy, but then the log did too.
local newest = redis.call('XREVRANGE', prefix .. 'log', '+', '-', 'COUNT', 1)[1]
if newest and tonumber(string.match(newest[1], '^%d+')) >= tonumber(c.number) then
  redis.call('UNLINK', prefix .. 'log')
end
redis.call('XADD', prefix .. 'log', 'MAXLEN', '~', LOG, c.number .. '-0', 'delta', take({c.log})[1],
  'writer', c.claim, 'after', meta.writer or '')

local now = redis.call('TIME')
redis.call('HSET', KEYS[1], 'number', c.number, 'offset', c.offset, 'max_ts_ms', c.max_ts_ms,
  'writer', c.claim, 'written_ms', now[1] .. string.format('%03d', math.floor(now[2] / 1000)))
redis.call('HDEL', KEYS[1], 'dirty', 'held')
return {'ok'}
