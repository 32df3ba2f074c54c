-- expect: error
-- sorting facts in place
return function(f) table.sort(f.closes) end
