-- The stock library against figures worked out by hand, run by the host's own code.
local t = require "tidelock.testing"

describe("tidelock.sizing", function()
    it("gives 1.673 lots by risk for the known base entry", function()
        local lots = t.run [[
            local sizing = require "tidelock.sizing"
            return sizing.risk(decimal(5000000), decimal("0.5"), decimal(52000), decimal(51650),
                decimal(35), decimal("0.82"))
        ]]
        assert.are.equal("1.673469387755", lots)
    end)

    it("gives 3 lots, bound by margin, for the known pyramid", function()
        local n = t.run [[
            local sizing = require "tidelock.sizing"
            local n = sizing.pyramid_numbers{
                margin_free = decimal(1000000), margin_per_lot = decimal(270000),
                    base_quantity = decimal(10),
                profit = decimal(150000), price = decimal(52500), stop = decimal(52000),
                    point_value = decimal(35) }
            local best, name = sizing.smallest(n)
            return { a = n.margin:floor(1), b = n.base:floor(1), c = n.profit:floor(1),
                best = sizing.floor(best, decimal(1)), name = name }
        ]]
        assert.are.same({ a = "3", b = "5", c = "4", best = "3", name = "margin" }, n)
    end)

    it("names the smallest, and the first in the alphabet among equals", function()
        local _, name = t.run [[
            local sizing = require "tidelock.sizing"
            return sizing.smallest{ volatility = decimal(2), risk = decimal(2),
                margin = decimal(3) }
        ]]
        assert.are.equal("risk", name)
    end)

    it("rounds down to the step and never below zero", function()
        local a, b, c = t.run [[
            local sizing = require "tidelock.sizing"
            return sizing.floor(decimal("2.999999999999"), decimal(1)), sizing.floor(decimal(-1),
                decimal(1)),
                sizing.floor(decimal("0.0379"), decimal("0.001"))
        ]]
        assert.are.same({ "2", "0", "0.037" }, { a, b, c })
    end)

    it("peels off whole lots, upwards", function()
        local a, b = t.run [[
            local sizing = require "tidelock.sizing"
            return sizing.peel_off(decimal(10001), decimal(10000)), sizing.peel_off(decimal(-1),
                decimal(10000))
        ]]
        assert.are.same({ "2", "0" }, { a, b })
    end)
end)

describe("tidelock.rmultiple", function()
    it("measures longs and shorts in R, and refuses stops on the wrong side", function()
        local long, short, none, exact = t.run [[
            local r = require "tidelock.rmultiple"
            return r.of("LONG", decimal(100), decimal(90), decimal(125)), r.of("SHORT",
                decimal(100), decimal(110), decimal(85)),
                r.of("LONG", decimal(100), decimal(110), decimal(120)) == nil,
                r.exceeds("LONG", decimal(100), decimal(90), decimal(110), decimal(1))
        ]]
        assert.are.equal("2.5", long)
        assert.are.equal("1.5", short)
        assert.is_true(none)
        assert.is_false(exact) -- exactly 1R is not more than 1R
    end)
end)

describe("tidelock.stops", function()
    it("trails the best close and never gives way", function()
        local steps = t.run [[
            local stops = require "tidelock.stops"
            local trail = stops.trailing("LONG", decimal(95), decimal(100), decimal(2))
            local out = {}
            for i, close in ipairs{ 104, 103, 110, 106, 105, 103 } do
                local stop, hit = trail:push(decimal(close), decimal(3))
                out[i] = tostring(stop) .. (hit and " hit" or "")
            end
            return out
        ]]
        assert.are.same({ "98", "98", "104", "104", "104", "104 hit" }, steps)
    end)

    it("trails in one call as its parts do", function()
        local wrong = t.run [[
            local stops = require "tidelock.stops"
            local start = { LONG = "95.03", SHORT = "104.97" }
            for side, at in pairs(start) do
                for _, tick in ipairs{ decimal("0.05"), false } do
                    tick = tick or nil
                    local stop, best = decimal(at), decimal(100)
                    for i, close in ipairs{ 104, 99, "101.33", 103, 98, 96, 104.5, 111, 89 } do
                        close = decimal(close)
                        local atr = i ~= 4 and decimal("1.37") or nil
                        local next_stop, next_best, hit = stops.trail(side, stop, best, close, atr,
                            decimal(2), tick)
                        local beyond = stops.hit(side, stop, close)
                        local better = side == "LONG" and close > best
                            or side == "SHORT" and close < best
                        if not beyond then
                            if better then best = close end
                            if atr then
                                stop = stops.to_tick(side,
                                    stops.follow(side, stop, best, atr, decimal(2)), tick)
                            end
                            beyond = stops.hit(side, stop, close)
                        end
                        if next_stop ~= stop or next_best ~= best or hit ~= beyond then
                            return side .. " " .. i
                        end
                    end
                end
            end
        ]]
        assert.is_nil(wrong)
    end)

    it("is not hit by touching it", function()
        local touch, beyond, short = t.run [[
            local stops = require "tidelock.stops"
            return stops.hit("LONG", decimal(95), decimal(95)), stops.hit("LONG", decimal(95),
                decimal("94.95")),
                stops.hit("SHORT", decimal(95), decimal("95.05"))
        ]]
        assert.is_false(touch)
        assert.is_true(beyond)
        assert.is_true(short)
    end)

    it("rounds to ticks towards the price: never more risk", function()
        local long, short = t.run [[
            local stops = require "tidelock.stops"
            return stops.to_tick("LONG", decimal("100.07"), decimal("0.05")), stops.to_tick("SHORT",
                decimal("100.07"), decimal("0.05"))
        ]]
        assert.are.same({ "100.1", "100.05" }, { long, short })
    end)
end)
