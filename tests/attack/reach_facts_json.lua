-- expect: ok error
-- facts written as json, with cycles of tables around
return function(f) json.encode(f) local t = {f = f} t.t = t assert(not pcall(json.encode, t)) end
