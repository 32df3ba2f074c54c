-- expect: killed
-- walking facts for ever
return function(f) while true do for k, v in pairs(f.signal) do local x = v end for i, v in
    ipairs(f.closes) do local y = v * 2 end end end
