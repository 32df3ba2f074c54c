-- expect: ok
-- facts kept by a script
kept = {}
return function(f) kept[1] = f.signal.price kept[2] = f.closes assert(kept[1] == f.signal.price)
    end
