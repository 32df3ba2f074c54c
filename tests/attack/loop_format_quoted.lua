-- expect: killed memory
-- quoting long texts for ever
local s = ("\n\0"):rep(100000) while true do local q = ("%q"):format(s) end
