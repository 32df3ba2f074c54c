-- expect: killed
-- pattern bombs, each caught
while true do pcall(string.match, ("a"):rep(3000), ("a*"):rep(8) .. "b") end
