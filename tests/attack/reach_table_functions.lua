-- expect: ok
-- table functions that take part in escapes are absent
assert(table.foreach == nil) assert(table.foreachi == nil) assert(table.getn == nil)
    assert(table.move == nil) assert(table.new == nil)
assert(math.randomseed == nil) assert(string.buffer == nil)
