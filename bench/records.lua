-- Queries over a data table for wrk; everything comes in the environment:
--   TABLE, its key; SIZE, how many records it has; ASK, what is asked; KEY; SALT, which bounds are asked for
-- Requests are put together before the load begins, equally many for every table.
local REQUESTS = 20000
local questions = {
  number = function(bound) return string.format('"where":{"n":{"gte":%d}},"orderBy":{"n":"asc"},"take":50', bound) end,
  decimal = function(bound)
    return string.format('"where":{"score":{"lte":%d}},"orderBy":{"score":"desc"},"take":50', math.floor(bound / 100))
  end,
  text = function(bound, size)
    local cities = math.max(1, math.min(math.floor(size / 20), 50000))
    return string.format('"where":{"city":"city %d"},"take":50', bound % cities)
  end,
  newest = function() return '"orderBy":{"createdAt":"desc"},"take":50' end,
}
local requests, turn = {}, 0

function init()
  local size, ask = tonumber(os.getenv("SIZE")), questions[os.getenv("ASK")]
  local headers = { ["X-API-KEY"] = os.getenv("KEY"), ["Content-Type"] = "application/json" }
  local path = "/v2/data-tables/" .. os.getenv("TABLE") .. "/records/query"
  math.randomseed(tonumber(os.getenv("SALT")))
  for number = 1, REQUESTS do
    local body = '{"query":{"findMany":{' .. ask(math.random(0, size - 1), size) .. '}}}'
    requests[number] = wrk.format("POST", path, headers, body)
  end
end

function request()
  turn = turn + 1
  return requests[turn % #requests + 1]
end

function done(summary)
  local errors = summary.errors
  io.write(string.format("RESULT %.2f %d %d\n", summary.requests / (summary.duration / 1e6), summary.requests,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
