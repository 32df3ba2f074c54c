-- Counts the words of every event: a plug-in keeps what it wants between events in its locals.
local words = 0

local function on_event(text)
    for _ in text:gmatch("%S+") do
        words = words + 1
    end
    return words .. " words so far"
end

return { on_event = on_event }
