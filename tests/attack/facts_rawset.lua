-- expect: error
-- raw writes to facts
return function(f) rawset(f.signal, "price", 1) end
