-- Jobs: submit, wait, result, control, events, ids.
dofile((arg[0]:gsub("[^/]*$", "")) .. "check.lua")
local flux = require 'flux'
local f = assert(flux.new())

local function jobspec(...)
    return {
        version = 1,
        resources = {{type = "slot", count = 1, label = "task", with = {{type = "core", count = 1}}}},
        tasks = {{command = {...}, slot = "task", count = {per_slot = 1}}},
        attributes = {system = {duration = 0, cwd = "/", environment = {PATH = "/usr/bin:/bin"}}},
    }
end

local id, err = f:job_submit(jobspec("true"))
check(math.type(id) == "integer", "job_submit gives the id", err)
local r = f:job_result(id)
equal(r.id, id, "job_result: id")
equal(r.result, flux.JOB_RESULT_COMPLETED, "result")
equal(r.waitstatus, 0, "wait status")
local id = f:job_submit(flux.json_encode(jobspec("sh", "-c", "exit 3")), {flags = flux.JOB_WAITABLE})
local w = f:job_wait(id)
equal(w.id, id, "job_wait: id")
equal(w.success, false, "it failed")
check(w.errstr:find("3"), "its text", w.errstr)
local w, err, errnum = f:job_wait()
equal(errnum, 10, "no more jobs to wait for")
local how, code = flux.exitstatus(f:job_result(id).waitstatus)
equal(code, 3, "the exit code")

local function started()
    local id = assert(f:job_submit(jobspec("sleep", "3600")))
    for event in f:job_events(id) do
        if event.name == "start" then return id end
    end
end
local id = started()
equal(f:job_cancel(id, "enough"), 0, "job_cancel")
local r = f:job_result(id)
equal(r.result, flux.JOB_RESULT_CANCELED, "it is canceled")
equal(r.exception_note, "enough", "with the reason")
local id = started()
equal(f:job_kill(flux.job_id_encode(id), flux.SIGKILL), 0, "job_kill, the id as text")
local how, signum = flux.exitstatus(f:job_result(id).waitstatus)
equal({how, signum}, {"killed", 9}, "it is killed")
local id = started()
equal(f:job_raise(id, "oops", 0, "the end"), 0, "job_raise")
equal(f:job_result(id).exception_type, "oops", "its type")

local names = {}
for event in f:job_events(id) do names[#names + 1] = event.name end
equal(names[1], "submit", "the first event")
equal(names[#names], "clean", "and the last")
equal(names[#names - 1] ~= nil, true, "and others")

local rc, err = f:job_submit("nonsense")
check(rc == nil and err, "a refused job", err)
local rc, err = f:job_cancel(1 << 40)
check(rc == nil and err, "an unknown job", err)
fails(function() f:job_cancel("xyzzy!") end, "no job id", "no id")
fails(function() f:job_submit() end, "jobspec", "no jobspec")

equal(flux.job_id_parse("\xc6\x921"), 0, "job_id_parse")
for _, form in ipairs {"dec", "hex", "f58", "f58plain", "dothex", "kvs", "words", "emoji"} do
    equal(flux.job_id_parse(flux.job_id_encode(1234567890, form)), 1234567890, "form " .. form)
end
local id, err = flux.job_id_parse("xyzzy!")
equal(id, nil, "nonsense")
done()
