-- expect: ok error memory killed
-- a wide text of small tables
local t = json.decode("[" .. ("[],"):rep(80000) .. "[]]")
