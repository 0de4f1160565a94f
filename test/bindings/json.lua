-- Tables to JSON and back.
dofile((arg[0]:gsub("[^/]*$", "")) .. "check.lua")
local flux = require 'flux'
local encode, decode = flux.json_encode, flux.json_decode

for _, text in ipairs {
    '{}', '[]', '[1,2,3]', '{"a":1}', '[[],{}]', '"x"', 'true', 'false', 'null', '1.5', '-1',
    '9223372036854775807', '-9223372036854775808', '[null,1]', '"\\u0001\\"\\\\"', '"\xc6\x921"',
    '{"a":{"b":[{"c":[]}]}}', '1e+300',
} do
    equal(encode(decode(text)), text, "there and back: " .. text)
end
equal(decode('5'), 5, "an integer stays one")
equal(decode('5.0'), 5.0, "a real stays one")
equal(encode(5.0), "5.0", "and is written as one")
equal(decode('"\\u00fc\\ud83d\\ude00\\n\\/"'), "\xc3\xbc\xf0\x9f\x98\x80\n/", "escapes")
equal(decode(' { "a" : [ 1 , 2 ] } '), {a = {1, 2}}, "white space")
equal(decode('{"a":null,"b":1}'), {b = 1}, "null is no member")
equal(decode('[null]')[1], flux.null, "but an element")
equal(encode({}), "{}", "an empty table is an object")
equal(encode(flux.array {}), "[]", "unless marked")
equal(encode({x = flux.array {}}), '{"x":[]}', "inside too")
equal(encode("a\0b"), '"a\\u0000b"', "a NUL")
equal(decode('123456789012345678901234567890') > 1e29, true, "a number too large for an integer")

for _, text in ipairs {
    '', '{', '[', '{"a"}', '{"a":}', '[1,]', '{,}', '01', '1.', '.5', '-', '1e', 'nul', 'truex', '"',
    '"\\x"', '"\\u12"', '"\\ud800"', '"\\udc00"', "'a'", '[1] 2', '{"a":1,}', '"\n"', '[1 2]',
    '{1:2}', string.rep("[", 200) .. string.rep("]", 200),
} do
    local value, err = decode(text)
    check(value == nil and err, "refused: " .. text:sub(1, 20))
end
equal(encode(decode(string.rep("[", 100) .. string.rep("]", 100))),
      string.rep("[", 100) .. string.rep("]", 100), "a hundred levels")

local loop = {}
loop.loop = loop
fails(function() encode(loop) end, "deeper", "a table in itself")
fails(function() encode({[1.5] = 1}) end, "text keys", "a number as key of an object")
fails(function() encode({f = print}) end, "function", "a function")
fails(function() encode(0 / 0) end, "no number", "not a number")
fails(function() encode({1, nil, 3}) end, "nil", "a hole in a list")

-- Long texts leave luaL_Buffer's first block.
local long = {}
for i = 1, 5000 do long[i] = {name = string.rep("x", i % 97), n = i, list = {i, {}}} end
equal(decode(encode(long)), long, "five thousand objects")
done()
