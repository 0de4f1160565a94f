-- Memory is flat over many RPCs, messages, watchers, handles and errors.
dofile((arg[0]:gsub("[^/]*$", "")) .. "check.lua")
local flux = require 'flux'
local f = assert(flux.new())

local function memory()
    collectgarbage()
    collectgarbage()
    local kib = 0
    for line in io.lines("/proc/self/smaps_rollup") do
        local n = line:match("^Private_%a+: *(%d+)")
        kib = kib + (n or 0)
    end
    return kib
end

local function flat(name, rounds, once)
    for _ = 1, rounds // 10 do once() end
    local grown
    for _ = 1, 10 do -- what leaks does so each time, what is only noise does not
        local before = memory()
        for _ = 1, rounds do once() end
        grown = memory() - before
        if grown < 600 then break end
    end
    check(grown < 600, string.format("%s: %d rounds, %d KiB", name, rounds, grown))
end

flat("rpc", 10000, function() f:rpc("broker.ping", {seq = 1, pad = "xxx"}) end)
flat("rpc that fails", 2000, function() f:rpc("no-such-service.x") end)
flat("send and recvmsg", 2000, function()
    f:send("broker.ping", {seq = 1})
    local m = f:recvmsg()
    return m.data
end)
f:subscribe("leak")
flat("events", 2000, function()
    f:sendevent({a = 1}, "leak.%d", 5)
    f:recv_event()
end)
flat("watchers", 2000, function()
    f:timer {timeout = 0, handler = function() end}
    f:timer {timeout = 100000, handler = print}:remove()
    f:msghandler {pattern = "x", handler = print}:remove()
    f:fdwatcher {fd = 0, handler = print}:remove()
    f:reactor("nowait")
end)
flat("errors", 2000, function()
    f:timer {timeout = 0, handler = function() error("no") end}
    pcall(f.reactor, f)
end)
flat("continuations", 2000, function()
    f:rpc_begin("broker.ping", {seq = 1}):on_ready(function(r) r:get() end)
    f:reactor()
end)
flat("handles", 200, function()
    local g = flux.new()
    g:timer {timeout = 100000, handler = print}
    g:msghandler {pattern = "x", handler = print}
    g:rpc_begin("broker.ping", {})
    g:close()
end)
flat("JSON", 10000, function()
    flux.json_decode(flux.json_encode {a = {1, 2, {b = "c"}}, d = 1.5})
    flux.json_decode('{"a":[1,{"b":')
end)
done()
