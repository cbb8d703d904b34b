-- Load for wrk; everything comes in the environment:
--   METHOD; PREFIX, the path before the id; IDS, a file with one id a line (none: PREFIX is the path); KEY
--   SALT, a number that makes this load's walk and values differ from those of every other
--   BODY: "patch", another first name in each request; "signup", a new member in each
-- Requests to members are put together before the load begins, equally many for every dataset: the
-- client's core has the same work whatever is measured, and is not what is measured.
local REQUESTS = 200000
local requests, turn = {}, 0
local method, prefix, kind = os.getenv("METHOD"), os.getenv("PREFIX"), os.getenv("BODY")
local salt = tonumber(os.getenv("SALT"))
local headers = { ["X-API-KEY"] = os.getenv("KEY"), ["Content-Type"] = kind and "application/json" }

local function ids()
  local found = {}
  for id in io.lines(os.getenv("IDS")) do found[#found + 1] = id end
  assert(#found > 0, "no ids")
  return found
end

local function prepare()
  math.randomseed(salt)
  if not os.getenv("IDS") then return { wrk.format(method, prefix, headers) } end
  local found, made = ids(), {}
  local from = math.random(#found)
  for number = 1, REQUESTS do
    local body = kind and string.format('{"customFields":{"first-name":"First%d"}}', math.random(1e9))
    made[number] = wrk.format(method, prefix .. found[(from + number) % #found + 1], headers, body)
  end
  return made
end

function init()
  if kind ~= "signup" then requests = prepare() end
end

function request()
  turn = turn + 1
  if kind == "signup" then
    local body = string.format('{"email":"new%d-%d@example.com","password":"correct horse battery %d"}', salt, turn, turn)
    return wrk.format(method, prefix, headers, body)
  end
  return requests[turn % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %.1f %d %d %d %d %d\n", summary.requests / (summary.duration / 1e6), latency:percentile(50),
    latency:percentile(99), summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
