-- expect: killed
-- work after the kill was caught
pcall(function() while true do end end)
print("still here")
while true do end
