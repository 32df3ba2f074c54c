-- expect: ok
-- NaN as place, count, width and key
local n, s, t = 0/0, "hello", {1, 2, 3}
pcall(s.sub, s, n, n) pcall(s.rep, s, n) pcall(s.find, s, "l", n) pcall(s.byte, s, n) pcall(
    s.gsub, s, ".", "%0", n) pcall(s.char, n)
pcall(table.insert, t, n, 1) pcall(table.remove, t, n) pcall(table.concat, t, "", n, n) pcall(
    unpack, t, n, n) pcall(select, n, 1)
assert(not pcall(function() t[n] = 1 end)) assert(not pcall(rawset, t, n, 1)) assert(t[n] ==
    nil) pcall(math.random, n) pcall(math.random, n, n)
pcall(decimal, n) pcall(s.format, s, n) pcall(("%d").format, "%d", n) pcall(("%c").format, "%c",
     n) pcall(bit.lshift, n, n)
assert(#t == 3)
