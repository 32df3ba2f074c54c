-- The pyramiding strategy: sizing against figures worked out by hand, each gate, and its reading of
-- bars.
local t = require "tidelock.testing"

local base = { signal = { type = "BASE_ENTRY", position = "Long_1", price = "52000", stop = "51650",
    atr = "350" } }

local pyramid = {
    signal = { type = "PYRAMID", position = "Long_2", price = "52500", stop = "52000",
        atr = "350" },
    positions = { {
        label = "Long_1", is_base = true, quantity = "10", entry_price = "51900",
            initial_stop = "51550",
        stop = "51550", atr = "350", opened_at = 1699990000,
    } },
    pyramid = {
        layers = 1, pyramids = 0, quantity = "10", last_entry_price = "51900",
            base_entry_price = "51900",
        base_stop = "51550", base_quantity = "10",
    },
    portfolio = { margin_used = "2700000", margin_free = "1000000", open_risk = "122500" },
    instrument_unrealised = "272500", -- 122,500 of it is what the base risked
    last_price = "52500",
}

local function by_name(gates, name)
    for _, gate in ipairs(gates) do
        if gate.name == name then return gate end
    end
end

describe("the base entry", function()
    it("takes 1 lot: 1.673 by risk", function()
        local s = t.strategy("strategies/pyramid", { volatility_percent = "5" })
        local d = s:decide(t.with(base, { signal = { extra = { er = "0.82" } } }))
        assert.are.equal("accept", d.verdict)
        assert.are.equal("1", d.quantity)
        assert.are.equal("51650", d.stop)
        assert.are.equal("risk", d.trace.size.limited_by)
        assert.are.equal("1.673469387755", d.trace.size.numbers.risk)
    end)

    it("reads er from a text as well, and ignores it when told to", function()
        local s = t.strategy("strategies/pyramid", { volatility_percent = "5",
            scale_by_er = false })
        assert.are.equal("2", s:decide(t.with(base,
            { signal = { extra = { er = "0.82" } } })).quantity)
    end)

    it("is bound by volatility or margin when they are less", function()
        local s = t.strategy("strategies/pyramid", { risk_percent = "2",
            volatility_percent = "0.5" })
        local d = s:decide(base)
        assert.are.same({ "2", "volatility" }, { d.quantity, d.trace.size.limited_by })
        d = s:decide(t.with(base, { portfolio = { margin_free = "300000" } }))
        assert.are.same({ "1", "margin" }, { d.quantity, d.trace.size.limited_by })
    end)

    it("rejects what makes not one lot, and names the limit", function()
        local d = t.strategy("strategies/pyramid"):decide(t.with(base,
            { portfolio = { margin_free = "269999" } }))
        assert.are.equal("reject", d.verdict)
        assert.are.equal("size", d.gate)
        assert.are.equal("not one lot: limited by margin", d.reason)
    end)

    it("rejects a stop on the wrong side, a second base and a price away from the market",
        function()
        local s = t.strategy("strategies/pyramid")
        local d = s:decide(t.with(base, { signal = { stop = "52000" } }))
        assert.are.same({ "reject", "size" }, { d.verdict, d.gate })
        d = s:decide(t.with(base, { positions = pyramid.positions }))
        assert.are.same({ "reject", "layers", "a position is open already" }, { d.verdict, d.gate,
            d.reason })
        d = s:decide(t.with(base, { last_price = "53040.01" }))
        assert.are.same({ "reject", "price_check" }, { d.verdict, d.gate })
        assert.are.equal("accept", s:decide(t.with(base, { last_price = "53040" })).verdict)
    end)
end)

describe("a pyramid", function()
    it("takes 3 lots: A 3.7, B 5, C 4.28", function()
        local d = t.strategy("strategies/pyramid"):decide(t.with(pyramid,
            { portfolio = { margin_free = "1000000" } }))
        assert.are.equal("accept", d.verdict)
        assert.are.equal("3", d.quantity)
        assert.are.equal("margin", d.trace.size.limited_by)
        assert.are.same({ base = "5", margin = "3.703703703704", profit = "4.285714285714",
            max_quantity = "100" },
            d.trace.size.numbers)
    end)

    it("needs strictly more than 1R", function()
        local s = t.strategy("strategies/pyramid")
        local d = s:decide(t.with(pyramid, { signal = { price = "52250", stop = "51900" },
            last_price = "52250" }))
        assert.are.same({ "reject", "one_r" }, { d.verdict, d.gate })
        assert.are.same({ gain = "350", more_than = "350" }, by_name(d.trace.gates, "one_r").inputs)
        d = s:decide(t.with(pyramid, { signal = { price = "52250.05", stop = "51900" },
            last_price = "52250" }))
        assert.are.equal("accept", d.verdict)
    end)

    it("keeps its distance in ATRs, touching is far enough", function()
        local s = t.strategy("strategies/pyramid", { atr_spacing = "0.75" })
        local near = t.with(pyramid, { pyramid = { last_entry_price = "52237.55" } })
        assert.are.equal("atr_spacing", s:decide(near).gate)
        assert.are.equal("accept", s:decide(t.with(near,
            { pyramid = { last_entry_price = "52237.5" } })).verdict)
    end)

    it("stops at the caps of risk, volatility and margin, and without a profit", function()
        local s = t.strategy("strategies/pyramid")
        local function gate_of(more)
            local d = s:decide(t.with(pyramid, more))
            return d.gate .. ": " .. d.reason
        end
        assert.are.equal("portfolio_heat: portfolio risk is over its cap",
            gate_of{ portfolio = { open_risk = "582500.05" } })
        assert.are.equal("accept", s:decide(t.with(pyramid,
            { portfolio = { open_risk = "582500" } })).verdict)
        assert.are.equal("portfolio_heat: too much margin is in use",
            gate_of{ portfolio = { margin_used = "2730001" } })
        assert.are.equal("portfolio_heat: the instrument is not in profit",
            gate_of{ instrument_unrealised = "0" })
        assert.are.equal("portfolio_heat: volatility is over its cap",
            gate_of{ signal = { atr = "600" },
            positions = { t.with(pyramid.positions[1], { atr = "940" }) } })
    end)

    it("is the next layer of a base, and at most the fifth", function()
        local s = t.strategy("strategies/pyramid")
        local d = s:decide(t.with(pyramid, { signal = { position = "Long_3" } }))
        assert.are.same({ "layers", "the pyramid is not the next layer" }, { d.gate, d.reason })
        d = s:decide(t.with(pyramid, { signal = { position = "Long_6" },
            pyramid = { pyramids = 5 } }))
        assert.are.same({ "layers", "all pyramids are taken" }, { d.gate, d.reason })
        d = s:decide(t.with(pyramid, { positions = t.none, pyramid = t.none }))
        assert.are.same({ "layers", "there is no base to pyramid on" }, { d.gate, d.reason })
    end)
end)

describe("an exit", function()
    it("meets no gate", function()
        local d = t.strategy("strategies/pyramid"):decide{ signal = { type = "EXIT",
            position = "ALL", price = "1" } }
        assert.are.equal("accept", d.verdict)
        assert.is_nil(d.quantity)
    end)
end)

describe("its reading of bars", function()
    -- 30 quiet bars, then a climb of `step` points a bar.
    local function climb(s, bars, step)
        local price, at, out = 50000, 1700000000, {}
        for i = 1, bars do
            local move = i <= 30 and (i % 2 == 0 and 10 or -10) or step
            local close = price + move
            out[i] = s:bar({ at = at, open = tostring(price), high = tostring(math.max(price,
                close) + 5),
                low = tostring(math.min(price, close) - 5), close = tostring(close) })[1]
            price, at = close, at + 900
        end
        return out
    end
    local short = { ema_length = "20", channel_length = "10" }

    it("enters on strength, with a stop 1.5 ATRs below, and asks once", function()
        local signals = climb(t.strategy("strategies/pyramid", short), 32, 40)
        local first = signals[31] or signals[32]
        assert.is_table(first)
        assert.are.same({ "BASE_ENTRY", "Long_1", "LONG" }, { first.type, first.position,
            first.side })
        local stop = [[return decimal("%s") - decimal("%s") * decimal("1.5")]]
        assert.are.equal(t.run(stop:format(first.price, first.atr)), first.stop)
        assert.is_nil(signals[31] and signals[32])
    end)

    it("is silent with signals = \"chart\"", function()
        local signals = climb(t.strategy("strategies/pyramid", { signals = "chart" }), 60, 40)
        assert.are.same({}, signals)
    end)

    it("adds beyond 1R, then leaves all when the close falls below the trailing stop", function()
        local s = t.strategy("strategies/pyramid", short)
        climb(s, 45, 40)
        local held = {
            positions = { { label = "Long_1", is_base = true, quantity = "4", entry_price = "50100",
                initial_stop = "50040",
                stop = "50040", atr = "40", opened_at = 1700028000 } },
            pyramid = { layers = 1, pyramids = 0, quantity = "4", last_entry_price = "50100",
                base_entry_price = "50100",
                base_stop = "50040", base_quantity = "4" },
        }
        local _, moved = s:bar({ at = 1700040500, open = "50600", high = "50645", low = "50595",
            close = "50640" }, held)
        assert.are.same({ "STOP", "ALL" }, { moved[1].type, moved[1].position })
        local stop = t.run(("return decimal('%s')"):format(moved[1].stop))
        assert.are.equal(stop, t.run(("return decimal('%s'):round(decimal('0.05'))"):format(stop)))
        local add = s:bar({ at = 1700041400, open = "50640", high = "50685", low = "50635",
            close = "50680" }, held)[1]
            or s:bar({ at = 1700042300, open = "50680", high = "50725", low = "50675",
                close = "50720" }, held)[1]
        assert.are.same({ "PYRAMID", "Long_2" }, { add.type, add.position })
        local exit
        for i = 1, 3 do
            exit = exit or s:bar({ at = 1700043200 + i * 900, open = "50700", high = "50700",
                low = "50200", close = "50210" }, held)[1]
        end
        assert.are.same({ "EXIT", "ALL" }, { exit.type, exit.position })
        assert.is_truthy(exit.note:find("^trailing stop %d+%.?%d?%d?$"))
    end)

    it("goes on from the stop in the layer's row, as after a restart", function()
        local s = t.strategy("strategies/pyramid", short)
        climb(s, 45, 40)
        local held = {
            positions = { { label = "Long_1", is_base = true, quantity = "4",
                entry_price = "50100", initial_stop = "50040", stop = "50700", atr = "40",
                opened_at = 1700028000 } },
            pyramid = { layers = 1, pyramids = 5, quantity = "4", last_entry_price = "50100",
                base_entry_price = "50100", base_stop = "50040", base_quantity = "4" },
        }
        local signals, moved = s:bar({ at = 1700040500, open = "50710", high = "50715",
            low = "50705", close = "50710" }, held)
        assert.are.same({ {}, {} }, { signals, moved }) -- the trail itself would be below 50,700
        signals = s:bar({ at = 1700041400, open = "50710", high = "50715", low = "50690",
            close = "50695" }, held)
        assert.are.same({ "EXIT", "trailing stop 50700" }, { signals[1].type, signals[1].note })
    end)
end)

describe("parameters", function()
    it("are held to their ranges", function()
        assert.has_error(function() t.strategy("strategies/pyramid", { risk_percent = "50",
            pyramids = "9" }) end)
    end)
end)
