-- Mean reversion: both sides, back to the mean, one layer.
local t = require "tidelock.testing"

-- The trend filter off, unless a spec is about it.
local function strategy(params)
    return t.strategy("strategies/meanrev", t.with({ with_trend = false, trend_length = "10" },
        params))
end

local function bar(i, close)
    return { at = 1700000000 + i * 900, open = tostring(close), high = tostring(close + 5),
        low = tostring(close - 5),
        close = tostring(close) }
end

-- Quiet bars around 50,000, then `last` in order; the signal of each of the last.
local function after_quiet(s, last, facts)
    local out = {}
    for i = 1, 40 do s:bar(bar(i, 50000 + (i % 2 == 0 and 10 or -10))) end
    for i, close in ipairs(last) do out[i] = s:bar(bar(40 + i, close), facts)[1] or false end
    return out
end

local function first(signals)
    for _, signal in ipairs(signals) do
        if signal then return signal end
    end
end

describe("meanrev", function()
    it("buys what fell out of the band, 3 ATRs above its stop", function()
        local entry = first(after_quiet(strategy(), { 49850, 49700 }))
        assert.are.same({ "BASE_ENTRY", "Long_1", "LONG" }, { entry.type, entry.position,
            entry.side })
        local stop = [[return decimal("%s") - decimal("%s") * 3]]
        assert.are.equal(t.run(stop:format(entry.price, entry.atr)), entry.stop)
    end)

    it("sells what rose out of it, unless told not to", function()
        local entry = first(after_quiet(strategy(), { 50150, 50300 }))
        assert.are.same({ "BASE_ENTRY", "Short_1", "SHORT" }, { entry.type, entry.position,
            entry.side })
        assert.is_nil(first(after_quiet(strategy({ short = false }), { 50150, 50300 })))
    end)

    it("buys dips only in a rise", function()
        local function dip(drift)
            local s, price = strategy{ with_trend = true, trend_length = "60" }, 50000
            for i = 1, 80 do
                price = price + drift + (i % 2 == 0 and 10 or -10)
                s:bar(bar(i, price))
            end
            return first{ s:bar(bar(81, price - 150))[1] or false, s:bar(bar(82, price - 300))[1]
                or false }
        end
        assert.is_nil(dip(-3))
        assert.are.equal("Long_1", dip(3).position)
    end)

    it("leaves at the mean, at its stop, and after too many bars", function()
        local long = { positions = { { label = "Long_1", side = "LONG", is_base = true,
            quantity = "2",
            entry_price = "49880", stop = "49800", opened_at = 1700036000 } } }
        local function note(s, last) return after_quiet(s, last, long)[#last].note end
        assert.are.equal("back at the mean", note(strategy(), { 50010 }))
        assert.are.equal("stop", note(strategy(), { 49799 }))
        assert.are.equal("held long enough", note(strategy({ most_bars = "3" }), { 49880, 49880,
            49880 }))
    end)

    it("sizes shorts, and has one layer only", function()
        local s = strategy()
        local short = { signal = { type = "BASE_ENTRY", position = "Short_1", side = "SHORT",
            price = "50000", stop = "50350",
            atr = "100" } }
        local d = s:decide(short)
        assert.are.same({ "accept", "2", "50350" }, { d.verdict, d.quantity, d.stop })
        assert.are.equal("size", s:decide(t.with(short, { signal = { stop = "49650" } })).gate)
        d = s:decide(t.with(short, { signal = { type = "PYRAMID", position = "Short_2" } }))
        assert.are.equal("layers", d.gate)
    end)

    it("takes no entries once the day has lost enough", function()
        local d = strategy():decide{ portfolio = { day_loss = "100000" },
            signal = { type = "BASE_ENTRY", position = "Long_1", price = "50000", stop = "49650" } }
        assert.are.same({ "reject", "day_loss" }, { d.verdict, d.gate })
    end)
end)
