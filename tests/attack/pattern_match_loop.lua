-- expect: killed
-- small matches for ever
local n = 0 while true do if ("key = value"):match("^(%w+)%s*=%s*(%w+)$") then n = n + 1 end end
