--- The calendar stands twice, for policies in lua/sessions.lua and for the host in C: it is one.
local function read(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
end

describe("the calendar", function()
    local rows = { HOLIDAY = {}, EVENING = {}, FESTIVE = {} }
    local text = read("src/trade/exchange_data.c")
    for exchange, date, kind in text:gmatch('{"(%u+)", "(%d+%-%d+%-%d+)", "[^"]+", (%u+),') do
        rows[kind][exchange .. " " .. date] = true
    end
    local chunk = assert(loadstring(read("lua/sessions.lua")))
    local sessions = chunk()
    local names = { HOLIDAY = "holidays", EVENING = "evening", FESTIVE = "muhurat" }

    for kind, name in pairs(names) do
        it("has the same " .. name .. " for the host and for policies", function()
            local theirs = {}
            for exchange, data in pairs(sessions.exchanges) do
                for date in pairs(data[name] or {}) do theirs[exchange .. " " .. date] = true end
            end
            assert.is_truthy(next(theirs))
            assert.are.same(theirs, rows[kind])
        end)
    end
end)
