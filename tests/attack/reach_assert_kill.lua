-- expect: killed
-- catching the value of a kill by assert and select
while true do local ok, why = pcall(function() while true do end end) if not ok then while true
    do end end end
