-- expect: output killed
-- printing nothing for ever
while true do print() end
