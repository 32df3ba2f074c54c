-- expect: error
-- removing at a place far outside
table.remove({1}, -2^31)
