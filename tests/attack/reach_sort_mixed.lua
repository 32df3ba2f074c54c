-- expect: error
-- values that have no order
table.sort({1, "x", {}, print, true})
