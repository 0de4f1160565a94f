-- The reactor: message handlers, timers, descriptors, files, signals, futures, errors.
dofile((arg[0]:gsub("[^/]*$", "")) .. "check.lua")
local flux = require 'flux'
local f = assert(flux.new())

-- a response to send() goes to a message handler
local seen
local mh = f:msghandler {
    pattern = "*.ping",
    msgtypes = {flux.MSGTYPE_RESPONSE, flux.MSGTYPE_REQUEST},
    handler = function(f, msg, mh)
        seen = {msg.data.seq, msg.tag, msg.errnum, mh.pattern}
        mh:remove()
    end,
}
check(type(mh) == 'userdata', "a message handler")
f:send("broker.ping", {seq = "1"})
check(f:reactor(), "the reactor ends when nothing is left")
equal(seen, {"1", "broker.ping", 0, "*.ping"}, "the handler got the response")

-- a negative number from a handler
local mh = f:msghandler {pattern = "*.ping", handler = function() return -1 end}
f:send("broker.ping", {seq = "1"})
local r, err = f:reactor()
equal(r, nil, "-1 from a handler ends the reactor with nil")
check(err, "and a text")
mh:remove()

-- an error in a handler
local t = f:timer {timeout = 1, handler = function() error("from the handler") end}
fails(function() f:reactor() end, "from the handler", "an error comes out of the reactor")
local mine = setmetatable({}, {__tostring = function() return "mine" end})
f:timer {timeout = 1, handler = function() error(mine) end}
local good, err = pcall(f.reactor, f)
check(not good and rawequal(err, mine), "whatever it is")
equal(f:reactor(), 0, "the reactor works again")

-- timers
local count = 0
local to = f:timer {timeout = 5, handler = function(f, to) count = count + 1 end}
equal(to.timeout, 5, "the table shows through")
equal(math.type(to.id), "integer", "and has an id")
f:reactor()
equal(count, 1, "a timer calls once")
to:remove()
to:remove()
local t = f:timer {
    timeout = 2,
    oneshot = false,
    handler = function(f, to)
        count = count + 1
        if count == 4 then to:remove() end
    end,
}
equal(t.oneshot, false, "oneshot=false")
f:reactor()
equal(count, 4, "calls until it is removed")

-- objects need no variable
local called = false
f:timer {timeout = 1, handler = function() called = true end}
collectgarbage()
f:reactor()
check(called, "a timer that nobody holds is called")

-- modes and stopping
f:timer {timeout = 100000, handler = print}
equal(type(f:reactor("nowait")), "number", "nowait")
f:timer {timeout = 1, handler = function(f) f:reactor_stop("enough") end}
local rc, reason = f:reactor()
check(rc >= 1, "reactor_stop", rc)
equal(reason, "enough", "with a reason")
f:timer {timeout = 1, handler = function(f) f:reactor_stop_error("broken") end}
local rc, reason = f:reactor()
equal(rc, nil, "reactor_stop_error")
equal(reason, "broken", "with a reason")
fails(function() f:reactor("sometimes") end, "invalid option", "a mode that is none")

-- descriptors
local f = assert(flux.new())
local data, ended = "", false
local iow = f:iowatcher {
    fd = 0,
    handler = function(iow, r)
        if r.eof then ended = true else data = data .. r.data end
    end,
}
check(type(iow) == 'userdata', "an I/O watcher on standard input")
f:reactor()
check(ended, "sees its end")
equal(data, arg[1], "after its data")
local n = 0
local fw = f:fdwatcher {
    fd = 1,
    events = flux.POLLOUT,
    handler = function(fw, revents)
        n = n + 1
        equal(revents, flux.POLLOUT, "standard output can be written")
        fw:remove()
    end,
}
f:reactor()
equal(n, 1, "a descriptor watcher")
local bad, err = f:fdwatcher {fd = 999, handler = print}
check(bad == nil and err, "a descriptor that is none", err)

-- files
local path = os.tmpname()
local stat
local sw = f:statwatcher {
    path = path,
    interval = 0.02,
    handler = function(sw, now, before)
        stat = {now.st_size, before.st_size}
        sw:remove()
    end,
}
f:timer {
    timeout = 50,
    handler = function()
        local file = io.open(path, "w")
        file:write("12345")
        file:close()
    end,
}
f:reactor()
equal(stat, {5, 0}, "a file's new size")
os.remove(path)

-- signals
local got
local sigh = f:sighandler {
    sigmask = {flux.SIGUSR1, flux.SIGUSR2},
    handler = function(f, s, sig)
        got = {s.test, sig}
        f:reactor_stop()
    end,
}
sigh.test = "foo"
equal(sigh.test, "foo", "fields can be set")
f:timer {timeout = 1, handler = function()
    os.execute("kill -USR2 " .. io.open("/proc/self/stat"):read("n"))
end}
f:reactor()
equal(got, {"foo", flux.SIGUSR2}, "a signal")
equal(sigh:remove(), nil, "remove")
fails(function() f:sighandler {sigmask = {}, handler = print} end, "sigmask", "an empty mask")

-- a service, and its client in the same process
local server, client = assert(flux.new()), assert(flux.new())
equal(server:service_register("luatest"), 0, "service_register")
local rc, err = client:service_register("luatest")
check(rc == nil and err, "a name that is taken", err)
server:msghandler {
    pattern = "luatest.add",
    msgtypes = {flux.MSGTYPE_REQUEST},
    handler = function(f, msg, mh)
        msg:respond {sum = msg.data.a + msg.data.b}
        f:reactor_stop()
    end,
}
server:msghandler {
    pattern = "luatest.fail",
    msgtypes = {flux.MSGTYPE_REQUEST},
    handler = function(f, msg, mh)
        msg:respond_error(22, "not like that")
        f:reactor_stop()
    end,
}
local r = client:rpc_begin("luatest.add", {a = 1, b = 2})
server:reactor()
equal(r:get(), {sum = 3}, "a request is answered")
local r = client:rpc_begin("luatest.fail")
server:reactor()
local msg, err, errnum = r:get()
equal(err, "not like that", "an error answer")
equal(errnum, 22, "with its errno")

-- futures in the reactor
local sums = {}
for i = 1, 3 do
    client:rpc_begin("broker.ping", {seq = i}):on_ready(function(r) sums[#sums + 1] = r:get().seq end)
end
collectgarbage()
client:reactor()
equal(sums, {1, 2, 3}, "continuations")
server:msghandler {
    pattern = "luatest.stream",
    handler = function(f, msg, mh)
        for i = 1, msg.data.n do msg:respond {i = i} end
        msg:respond_error(61)
        f:reactor_stop()
    end,
}
local r = client:rpc_begin("luatest.stream", {n = 3}, nil, flux.RPC_STREAMING)
server:reactor()
local items = {}
r:on_ready(function(r)
    local item, err, errnum = r:get()
    items[#items + 1] = item and item.i or errnum
    if item then r:reset() end
end)
client:reactor()
equal(items, {1, 2, 3, 61}, "a stream")

-- wrong tables
fails(function() f:timer {handler = print} end, "timeout", "a timer without a time")
fails(function() f:timer {timeout = 1} end, "handler", "or a handler")
fails(function() f:msghandler {handler = print} end, "pattern", "a message handler without a pattern")
fails(function() f:timer(5) end, "table expected", "no table")

-- slide 16: a callback for each event
local seen = {}
f:subscribe("node_down")
f:msghandler {
    pattern = "node_down",
    msgtypes = {flux.MSGTYPE_EVENT},
    handler = function(f, msg)
        seen[#seen + 1] = msg.tag
        if #seen == 2 then f:reactor_stop() end
    end,
}
f:sendevent("node_down")
f:sendevent("node_down")
f:reactor()
equal(seen, {"node_down", "node_down"}, "events by push")

-- a handle that goes away with all that is on it
do
    local g = flux.new()
    g:timer {timeout = 1000000, handler = print}
    g:msghandler {pattern = "x", handler = print}
    g:rpc_begin("broker.ping", {})
end
collectgarbage()
collectgarbage()
local g <close> = flux.new()
g:timer {timeout = 1000000, handler = print}
g:close()
fails(function() g:reactor() end, "closed", "a closed handle has no reactor")
done()
