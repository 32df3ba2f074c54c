-- expect: error
-- writing an element of a fact
return function(f) f.closes[1] = 1 end
