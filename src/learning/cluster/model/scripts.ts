/**
 * What instances ask of Redis about one pool's model: each of it one script, so that nothing comes between. Four keys, all of one
 * slot: `training` (who trains: token, id, name, since, beat), `revision` (the last number given, to a token or a model: one is
 * never given twice), `model` (revision, checksum, meta, files) and `learners` (by id: when, which revision, stepped down or not, busy or not).
 */

/** What a reply's first word may be: it was done, or why not. */
export const Word = {
  DONE: "done",
  /** Somebody else trains: the token is of a lease that is over. */
  LEASE: "lease",
  /** Another model was published meanwhile. */
  MOVED: "moved",
  /** There is no such model, or a newer one. */
  OLDER: "older",
  LARGE: "large",
} as const;

/** Learners beyond this are not counted: the list is begun anew. */
const MOST_LEARNERS = 1024;
/** A description of a model that is longer is none of ours. */
const MOST_META_BYTES = 4096;

/** The largest number that there may be: far beyond what is given in centuries, and exact in a double. */
export const MOST_NUMBER = 1e15;

/** The last number given, raised to what the asking instance knows of: whoever was there before Redis forgot, or held what is none. */
const RAISE = `
local function whole(text) return string.format('%.0f', text) end
local function raised(key, floor)
  local known = tonumber(redis.call('GET', key) or '0') or 0
  if not (known >= 0 and known < ${MOST_NUMBER}) then known = 0 end
  return math.max(known, tonumber(floor))
end
local function keep(key, number, ms) redis.call('SET', key, whole(number), 'PX', ms) end
`;

/**
 * Says that a learner is there, takes, renews or gives up the lease, and tells what there is.
 *
 * KEYS training, revision, model, learners. ARGV id, name, wants the lease (1 or 0), its token ('' = none), token of a lease that
 * has not been renewed for too long ('' = none), the highest number it knows of, revision of its model, stepped down and with
 * traffic (each 1 or 0), how long a lease lasts, how long a learner is believed, how long models are kept (ms).
 */
export const ROUND_SCRIPT = `${RAISE}
local id, wants, token = ARGV[1], ARGV[3] == '1', ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local number = raised(KEYS[2], ARGV[6])
local lease = redis.call('HMGET', KEYS[1], 'id', 'token')
local isLease = true
for _, text in ipairs(redis.call('HMGET', KEYS[1], 'token', 'since', 'beat')) do
  if not text or #text > 15 or not string.find(text, '^%d+$') then isLease = false end
end
if lease[1] and (not isLease or lease[2] == ARGV[5] or (lease[1] == id and not wants)) then
  redis.call('DEL', KEYS[1])
  lease = {false, false}
end
if wants and lease[1] == id and lease[2] == token then
  redis.call('HINCRBY', KEYS[1], 'beat', 1)
  redis.call('PEXPIRE', KEYS[1], ARGV[9])
elseif wants and (not lease[1] or lease[1] == id) then
  number = number + 1
  redis.call('HSET', KEYS[1], 'id', id, 'token', whole(number), 'name', ARGV[2], 'since', whole(now), 'beat', '0')
  redis.call('PEXPIRE', KEYS[1], ARGV[9])
end
keep(KEYS[2], number, ARGV[11])
if redis.call('HLEN', KEYS[4]) > ${MOST_LEARNERS} then redis.call('DEL', KEYS[4]) end
redis.call('HSET', KEYS[4], id, whole(now) .. ' ' .. ARGV[7] .. ' ' .. ARGV[8])
redis.call('PEXPIRE', KEYS[4], ARGV[10])
redis.call('PEXPIRE', KEYS[3], ARGV[11])
local model = redis.call('HMGET', KEYS[3], 'revision', 'checksum')
local meta = ''
if redis.call('HSTRLEN', KEYS[3], 'meta') <= ${MOST_META_BYTES} then meta = redis.call('HGET', KEYS[3], 'meta') or '' end
local instances, current, stepped, busy, known = 0, 0, 0, 0, 0
local learners = redis.call('HGETALL', KEYS[4])
for i = 1, #learners, 2 do
  local at, revision, down, works = string.match(learners[i + 1], '^(%d+) (%d+) ([01]) ([01])$')
  local age = at and now - tonumber(at)
  if not age or age > tonumber(ARGV[10]) or age < -tonumber(ARGV[10]) then
    redis.call('HDEL', KEYS[4], learners[i])
  else
    instances = instances + 1
    if works == '1' then busy = busy + 1 end
    known = math.max(known, tonumber(revision))
    if revision == model[1] then
      current = current + 1
      if down == '1' then stepped = stepped + 1 end
    end
  end
end
lease = redis.call('HMGET', KEYS[1], 'id', 'token', 'name', 'since', 'beat')
return {'${Word.DONE}', lease[1] or '', lease[2] or '0', lease[3] or '', lease[4] or '0', lease[5] or '0', whole(number),
  model[1] or '0', model[2] or '', meta, instances, current, stepped, busy, whole(known)}
`;

/**
 * Publishes a model. `lead`: whoever trains, if it still does and nothing was published since; `order`: an operator, in any case;
 * `restore`: what Redis has forgotten, under the revision that it had.
 *
 * KEYS training, revision, model. ARGV mode, id, token, the revision that it follows (restore: that it had), the highest number
 * that is known, checksum, meta, files, how long it is kept (ms).
 */
export const PUBLISH_SCRIPT = `${RAISE}
local mode, revision = ARGV[1], tonumber(ARGV[4])
local stored = tonumber(redis.call('HGET', KEYS[3], 'revision') or '0') or 0
local number = math.max(raised(KEYS[2], ARGV[5]), stored)
if mode == 'restore' then
  if stored >= revision then return {'${Word.OLDER}', whole(stored)} end
  number = math.max(number, revision)
else
  if mode == 'lead' then
    local lease = redis.call('HMGET', KEYS[1], 'id', 'token')
    if lease[1] ~= ARGV[2] or lease[2] ~= ARGV[3] then return {'${Word.LEASE}', whole(stored)} end
    if stored ~= revision then return {'${Word.MOVED}', whole(stored)} end
  end
  number = number + 1
  revision = number
end
keep(KEYS[2], number, ARGV[9])
redis.call('DEL', KEYS[3])
redis.call('HSET', KEYS[3], 'revision', whole(revision), 'checksum', ARGV[6], 'meta', ARGV[7], 'files', ARGV[8])
redis.call('PEXPIRE', KEYS[3], ARGV[9])
return {'${Word.DONE}', whole(revision)}
`;

/** The files of a model. KEYS model. ARGV its revision, the most bytes. */
export const FETCH_SCRIPT = `
if redis.call('HGET', KEYS[1], 'revision') ~= ARGV[1] then return {'${Word.OLDER}', ''} end
if redis.call('HSTRLEN', KEYS[1], 'files') > tonumber(ARGV[2]) then return {'${Word.LARGE}', ''} end
return {'${Word.DONE}', redis.call('HGET', KEYS[1], 'files') or ''}
`;

/** Gives up a lease, and is counted no more. KEYS training, learners. ARGV id. */
export const LEAVE_SCRIPT = `
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('HGET', KEYS[1], 'id') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return {'${Word.DONE}'}
`;
