"""What Redis does with the queue of answers, in one step each: see answer_queue.py, which calls them."""

SHARED = """
local queue, lease = 'throughline:queue:', 'throughline:lease:'
local turns, resuming, dispatched = queue .. 'turns', queue .. 'resuming', queue .. 'dispatched'

local function has_room(user, limit)
  local running = queue .. 'running:' .. user
  if redis.call('SCARD', running) < limit then return true end
  for _, generation in ipairs(redis.call('SMEMBERS', running)) do
    if redis.call('EXISTS', lease .. generation) == 0 then redis.call('SREM', running, generation) end
  end
  return redis.call('SCARD', running) < limit
end

local function note_running(user, generation)
  redis.call('SADD', queue .. 'running:' .. user, generation)
  redis.call('EXPIRE', queue .. 'running:' .. user, 86400)
end

local function put(user, generation, accepted, is_resuming, at)
  if redis.call('EXISTS', lease .. generation) == 1 then
    note_running(user, generation)
    return
  end
  if is_resuming == '1' and redis.call('EXISTS', queue .. 'emptied') == 1 then return end
  redis.call('HSETNX', dispatched, generation, at)
  if is_resuming == '1' then
    redis.call('ZADD', resuming, 'NX', accepted, user .. ':' .. generation)
    return
  end
  redis.call('ZADD', queue .. 'waiting:' .. user, 'NX', accepted, generation)
  if not redis.call('ZSCORE', turns, user) then
    redis.call('ZADD', turns, redis.call('INCR', queue .. 'turn'), user)
  end
end
"""
# A Redis that was emptied has no leases. Who runs an answer renews its own soon: until then, none is taken to be lost.
PUT = f"""{SHARED}
if redis.call('SET', queue .. 'is-there', 1, 'NX') then redis.call('SET', queue .. 'emptied', 1, 'PX', ARGV[2]) end
for i = 3, #ARGV, 4 do put(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[1]) end
"""
# Users who have all the answers that they may run keep their turn. There are few: each of them takes several places.
TAKE = f"""{SHARED}
local process, lease_ms, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function grant(user, generation)
  local at = redis.call('HGET', dispatched, generation)
  redis.call('HDEL', dispatched, generation)
  if not redis.call('SET', lease .. generation, process, 'NX', 'PX', lease_ms) then return nil end
  note_running(user, generation)
  return {{generation, user, at or ''}}
end

while redis.call('ZCARD', resuming) > 0 do
  local user, generation = string.match(redis.call('ZPOPMIN', resuming)[1], '^(.-):(.*)$')
  local granted = grant(user, generation)
  if granted then return granted end
end
local index = 0
while true do
  local user = redis.call('ZRANGE', turns, index, index)[1]
  if not user then return nil end
  if has_room(user, limit) then
    local waiting = queue .. 'waiting:' .. user
    local generation = redis.call('ZPOPMIN', waiting)[1]
    if redis.call('EXISTS', waiting) == 1 then
      redis.call('ZADD', turns, redis.call('INCR', queue .. 'turn'), user)
    else
      redis.call('ZREM', turns, user)
    end
    local granted = generation and grant(user, generation)
    if granted then return granted end
  else
    index = index + 1
  end
end
"""
RELEASE = f"""{SHARED}
redis.call('SREM', queue .. 'running:' .. ARGV[2], ARGV[3])
if redis.call('GET', lease .. ARGV[3]) == ARGV[1] then redis.call('DEL', lease .. ARGV[3]) end
"""
WITHDRAW = f"""{SHARED}
local waiting = queue .. 'waiting:' .. ARGV[1]
redis.call('ZREM', waiting, ARGV[2])
redis.call('HDEL', dispatched, ARGV[2])
if redis.call('EXISTS', waiting) == 0 then redis.call('ZREM', turns, ARGV[1]) end
"""
# How many could be taken now, up to a bound; and how many hints wait for a worker.
COUNT_READY = f"""{SHARED}
local limit, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local ready = redis.call('ZCARD', resuming)
local index = 0
while ready < most do
  local user = redis.call('ZRANGE', turns, index, index)[1]
  if not user then break end
  if has_room(user, limit) then
    local room = limit - redis.call('SCARD', queue .. 'running:' .. user)
    ready = ready + math.min(room, redis.call('ZCARD', queue .. 'waiting:' .. user))
  end
  index = index + 1
end
return {{math.min(ready, most), redis.call('LLEN', KEYS[1])}}
"""
# How many resume; of each user in line: id, how many run, and how many wait; then what waits of the users asked for.
LOOK = f"""{SHARED}
local found = {{}}
for _, user in ipairs(redis.call('ZRANGE', turns, 0, -1)) do
  local running, waiting = queue .. 'running:' .. user, queue .. 'waiting:' .. user
  found[#found + 1] = {{user, redis.call('SCARD', running), redis.call('ZCARD', waiting)}}
end
local mine = {{}}
for i = 1, #ARGV do mine[i] = redis.call('ZRANGE', queue .. 'waiting:' .. ARGV[i], 0, -1) end
return {{redis.call('ZCARD', resuming), found, mine}}
"""
