-- expect: error
-- writing a fact
return function(f) f.signal.price = 1 end
