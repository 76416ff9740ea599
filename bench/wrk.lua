-- Makes the requests of a scenario, and prints the result as a line of JSON.
-- Arguments: METHOD, bytes of the body, requests per write, "close" or "keep-alive".

init = function(args)
   local method, body, depth, connection = args[1], tonumber(args[2]), tonumber(args[3]), args[4]
   wrk.method = method
   if body > 0 then
      wrk.body = string.rep("x", body)
   end
   if connection == "close" then
      wrk.headers["Connection"] = "close"
   end
   if depth > 1 then
      -- wrk calls this once for all requests; it would call a function request() for each of them.
      local format = wrk.format
      wrk.format = function(...)
         return string.rep(format(...), depth)
      end
   end
end

done = function(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "microseconds": %d, "bytes": %d, "p50": %d, "p99": %d, "max": %d, ' ..
      '"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}\n',
      summary.requests, summary.duration, summary.bytes,
      latency:percentile(50), latency:percentile(99), latency.max,
      errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
