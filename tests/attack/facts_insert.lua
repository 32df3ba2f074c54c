-- expect: error
-- inserting into facts
return function(f) table.insert(f.closes, 1) end
