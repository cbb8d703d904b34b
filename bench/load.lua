-- Load for wrk. METHOD, PREFIX (path before the id), IDS (file, one id a line; empty: PREFIX is the whole
-- path), KEY, BODIES (how many different PATCH bodies). Requests are put together before the load begins,
-- so that the client's core is not what is measured.
local requests, turn = {}, 0

function init()
  math.randomseed(os.time())
  local method, prefix = os.getenv("METHOD"), os.getenv("PREFIX")
  local headers = { ["X-API-KEY"] = os.getenv("KEY") }
  local ids = {}
  if os.getenv("IDS") ~= "" then
    for id in io.lines(os.getenv("IDS")) do ids[#ids + 1] = id end
  end
  for number = 1, (#ids > 0 and 20000 or 1) do
    local id = #ids > 0 and ids[math.random(#ids)] or ""
    local body
    if method == "PATCH" then
      headers["Content-Type"] = "application/json"
      body = '{"customFields":{"first-name":"Name ' .. math.random(1000000) .. '"}}'
    end
    requests[number] = wrk.format(method, prefix .. id, headers, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %.0f %.0f %.0f %d\n", summary.requests / (summary.duration / 1e6), latency:percentile(50),
    latency:percentile(99), errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
