-- Ctrl-C ends whatever waits.
dofile((arg[0]:gsub("[^/]*$", "")) .. "check.lua")

local program = [[
local flux = require 'flux'
local f = assert(flux.new())
local pid = io.open('/proc/self/stat'):read('n')
f:service_register('luaint' .. pid)
local rpc = f:rpc_begin('luaint' .. pid .. '.x')
local function say() print(pid) io.stdout:flush() end
local waits = {
    reactor = function()
        f:timer {timeout = 0, handler = say}
        f:timer {timeout = 3600000, handler = print}
        f:reactor()
    end,
    get = function() say() rpc:get() end,
    recv = function() f:recvmsg() say() f:recvmsg() end,
}
local good, err = pcall(waits[arg[1] ])
print(good, tostring(err):find('interrupted') ~= nil, f.size)
]]
local path = os.tmpname()
local file = io.open(path, "w")
file:write(program)
file:close()
for _, where in ipairs {"reactor", "get", "recv"} do
    local p = io.popen(string.format("exec '%s' %s %s", os.getenv("LUA") or "lua5.4", path, where))
    os.execute("kill -INT " .. p:read("n"))
    p:read("l")
    equal(p:read("l"), "false\ttrue\t1", "in " .. where)
    p:close()
end
os.remove(path)
done()
