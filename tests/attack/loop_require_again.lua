-- expect: killed error
-- requiring for ever
while true do pcall(require, "nothing") end
