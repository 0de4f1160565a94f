-- What the Lua tests share: check(cond, name), equal(got, want, name), fails(fn, pattern, name),
-- done(). Each prints a line; a failure is counted.
local failed, count = 0, 0

function check(good, name, detail)
    count = count + 1
    if good then
        print("ok " .. count .. " - " .. name)
    else
        failed = failed + 1
        print("not ok " .. count .. " - " .. name .. (detail and ": " .. tostring(detail) or ""))
    end
    return good
end

function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
        return a == b and math.type(a) == math.type(b)
    end
    for k, v in pairs(a) do
        if not same(v, b[k]) then return false end
    end
    for k in pairs(b) do
        if a[k] == nil then return false end
    end
    return true
end

function equal(got, want, name)
    return check(same(got, want), name, "got " .. tostring(got) .. ", wanted " .. tostring(want))
end

function fails(fn, pattern, name)
    local good, err = pcall(fn)
    return check(not good and tostring(err):find(pattern), name, good and "no error" or err)
end

function done()
    print("1.." .. count)
    os.exit(failed == 0, true)
end
