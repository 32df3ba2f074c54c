-- expect: killed
-- a loop of errors, each caught
while true do pcall(error, "x") end
