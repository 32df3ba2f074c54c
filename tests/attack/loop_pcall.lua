-- expect: killed
-- a loop that swallows every error
while true do pcall(function() while true do end end) end
