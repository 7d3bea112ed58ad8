-- Asks cone searches and looks at every answer; driven by bench/serve.py.
-- Arguments: the text that each table's identifiers hold, and how many of them a whole answer has.

local threads = {}

function setup(thread)
   thread:set("id", #threads + 1)
   table.insert(threads, thread)
end

function init(args)
   marks, wholes = {}, {}
   for i = 1, #args, 2 do
      table.insert(marks, args[i])
      table.insert(wholes, tonumber(args[i + 1]))
   end
   bad, old, new, said = 0, 0, 0, ""
end

local function times(body, mark)
   local found, from = 0, 1
   while true do
      local at = string.find(body, mark, from, true)
      if not at then return found end
      found, from = found + 1, at + 1
   end
end

function response(status, headers, body)
   local first, second = times(body, marks[1]), times(body, marks[2])
   if status == 200 and first == wholes[1] and second == 0 then
      old = old + 1
   elseif status == 200 and first == 0 and second == wholes[2] then
      new = new + 1
   else
      bad = bad + 1
      said = string.format("status %d, %d and %d events", status, first, second)
   end
end

function done(summary, latency, requests)
   local old, new, bad, said = 0, 0, 0, ""
   for _, thread in ipairs(threads) do
      old, new, bad = old + thread:get("old"), new + thread:get("new"), bad + thread:get("bad")
      if thread:get("said") ~= "" then said = thread:get("said") end
   end
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "seconds": %.3f, "p50": %.3f, "p99": %.3f, "old": %d, "new": %d,'
      .. ' "bad": %d, "said": "%s", "failed": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
      latency:percentile(99) / 1e3, old, new, bad, said,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
