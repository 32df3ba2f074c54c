-- expect: error
-- the host reads errors raw: no code of the script runs for it
error(setmetatable({message = nil}, {__index = function() while true do end end, __tostring =
    function() error("x") end}))
