-- expect: error
-- inserting at a place far outside
table.insert({}, -2^31, 1)
