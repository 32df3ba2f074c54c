-- Opening range breakout: the range, one entry a day and side, flat before the close, nothing
-- outside the session.
local t = require "tidelock.testing"

local day = 1753069500 -- Monday 2025-07-21 09:15 in India, the open

local function bar(number, high, low, close, from)
    return { at = (from or day) + (number - 1) * 900, open = tostring(close), high = tostring(high),
        low = tostring(low),
        close = tostring(close) }
end

-- A strategy that has seen the day before (for its ATR) and today's first hour: 50,000 to 50,100.
local function warmed(params)
    local s = t.strategy("strategies/breakout", params)
    for i = 1, 25 do s:bar(bar(i, 50060, 49990, 50020, day - 3 * 86400)) end
    for i = 1, 4 do assert.are.same({}, s:bar(bar(i, 50100, 50000, 50050))) end
    return s
end

local long = { positions = { { label = "Long_1", side = "LONG", is_base = true, quantity = "2",
    entry_price = "50120",
    stop = "50000", opened_at = day + 4500 } } }

describe("breakout", function()
    it("buys a close above the range, stop at its other side, once", function()
        local s = warmed()
        local entry = s:bar(bar(5, 50125, 50080, 50120))[1]
        assert.are.same({ "BASE_ENTRY", "Long_1", "50120", "50000" }, { entry.type, entry.position,
            entry.price, entry.stop })
        for i = 6, 9 do assert.are.same({}, s:bar(bar(i, 50150, 50110, 50140))) end
    end)

    it("sells a close below it, unless told not to", function()
        local entry = warmed():bar(bar(5, 50020, 49960, 49970))[1]
        assert.are.same({ "Short_1", "SHORT", "50100" }, { entry.position, entry.side, entry.stop })
        assert.are.same({}, warmed{ short = false }:bar(bar(5, 50020, 49960, 49970)))
    end)

    it("never lets the stop be farther than stop_atr", function()
        local entry = warmed{ stop_atr = "0.5" }:bar(bar(5, 50125, 50080, 50120))[1]
        assert.is_true(tonumber(entry.stop) > 50070)
    end)

    it("is flat before the session ends, and at its stop", function()
        local s = warmed()
        assert.are.same({}, s:bar(bar(20, 50120, 50050, 50100), long))
        assert.are.equal("stop", s:bar(bar(21, 50120, 49990, 49995), long)[1].note)
        s = warmed()
        assert.are.same({}, s:bar(bar(23, 50120, 50050, 50100), long))
        assert.are.equal("end of the session", s:bar(bar(24, 50120, 50050, 50100), long)[1].note)
    end)

    it("leaves what was left over from an earlier day", function()
        local s = t.strategy("strategies/breakout")
        for i = 1, 25 do s:bar(bar(i, 50060, 49990, 50020, day - 3 * 86400)) end
        local old = t.with(long, { positions = { t.with(long.positions[1],
            { opened_at = day - 3 * 86400 }) } })
        assert.are.equal("left over from an earlier day", s:bar(bar(1, 50120, 50050, 50100),
            old)[1].note)
    end)

    it("enters neither late in the day nor outside the session", function()
        local s = warmed()
        assert.are.same({}, s:bar(bar(20, 50125, 50080, 50120)))
        local entry = { type = "BASE_ENTRY", position = "Long_1", price = "50120", stop = "50000" }
        assert.are.equal("accept", s:decide{ signal = entry, now = day + 3600 }.verdict)
        local d = s:decide{ signal = entry, now = day + 22800 } -- 15:35
        assert.are.same({ "session", "NSE has closed for the day" }, { d.gate, d.reason })
        d = s:decide{ signal = entry, now = day - 86400 }
        assert.are.same({ "session", "NSE is closed on Sundays" }, { d.gate, d.reason })
    end)
end)
