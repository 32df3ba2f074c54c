--- For specs: strategies and stock functions run by the host's own code, with exact decimals.
--
--     local t = require "tidelock.testing"
--     local s = t.strategy("strategies/pyramid", { risk_percent = "0.5" })
--     local d = s:decide{ signal = { type = "BASE_ENTRY", position = "Long_1",
--                                    price = "52000", stop = "51650" } }
--     assert.are.equal("accept", d.verdict)
--     assert.are.equal("3", d.quantity)                    -- decimals are texts, exact
--     assert.are.equal("risk", d.trace.size.limited_by)    -- the trace that the host would record
--
-- What facts leave out comes from t.facts: a long base entry of BANK_NIFTY on an account of
-- 5,000,000. This file runs in busted, not in the sandbox.
local cjson = require "cjson"

local build = os.getenv("BUILD") or "build"

local function load_native()
    local open, why = package.loadlib(build .. "/tidelock_test.so", "luaopen_tidelock_test")
    if not open then
        error(why .. " (made by `make test`, or `make " .. build .. "/tidelock_test.so`)")
    end
    return open()
end
local native = load_native()

local t = { stock = "lua" }

--- The facts of a decision when a spec names no others. Specs may change copies: t.with(t.facts,
-- {...}).
t.facts = {
    now = 1700000000,
    halt = "none",
    unresolved_order = false,
    instrument = {
        name = "BANK_NIFTY", exchange = "NSE", lot_size = "35", tick = "0.05", quantity_step = "1",
        point_value = "35", margin = "270000", min_quantity = "1", max_quantity = "100",
    },
    portfolio = {
        equity = "5000000", unrealised = "0", blended_equity = "5000000", open_risk = "0",
            open_risk_percent = "0",
        margin_used = "0", margin_free = "5000000", exposure = "0", day_loss = "0",
            drawdown_percent = "0",
        open_positions = 0,
    },
}

--- A deep copy of `base` with the fields of `more` over it; `t.none` takes a field away.
t.none = setmetatable({}, { __name = "none" })
function t.with(base, more)
    local out = {}
    for key, value in pairs(base) do out[key] = type(value) == "table" and t.with(value, {})
        or value end
    for key, value in pairs(more or {}) do
        if value == t.none then
            out[key] = nil
        elseif type(value) == "table" and type(out[key]) == "table" and #value == 0 then
            out[key] = t.with(out[key], value)
        else
            out[key] = value
        end
    end
    return out
end

local strategy = {}
strategy.__index = strategy

local function encode(facts)
    if facts.positions and #facts.positions == 0 then facts.positions = nil end
    if facts.signal and facts.signal.extra and next(facts.signal.extra) == nil then
        facts.signal.extra = nil
    end
    return cjson.encode(facts)
end

--- Asks the strategy; `facts` go over t.facts. Errors only when the facts themselves are misshapen.
function strategy:decide(facts)
    return cjson.decode(assert(native.decide(self.handle, encode(t.with(self.facts, facts)))))
end

--- Feeds one closed bar and returns the list of signals the strategy makes of it, and the list of
-- stops it moves. Raises what Lua raised.
function strategy:bar(bar, facts)
    local signals, stops =
        native.bar(self.handle, encode(t.with(self.facts, facts)), cjson.encode(bar))
    if not signals then error(stops, 2) end
    return cjson.decode(signals), cjson.decode(stops)
end

--- What `tidelock policy list` shows.
function strategy:describe()
    return cjson.decode(native.describe(self.handle))
end

local function open(name, folder, text, params)
    local handle, report = native.open(t.stock, name, folder, text, params)
    if not handle or report then return nil, report end
    return setmetatable({ handle = handle, facts = t.facts }, strategy)
end

--- The strategy of a folder, with parameters over its defaults. Raises the whole report when it is
-- refused.
function t.strategy(folder, params)
    local made, report = open(folder:match("([^/]+)/*$"), folder, nil, params)
    if not made then error(report, 2) end
    return made
end

--- A strategy given as text, named `name`: nil and the report when it is refused.
function t.text(name, text, params)
    return open(name, nil, text, params)
end

--- Runs a chunk in the policies' environment and returns what it returned: decimals as texts,
-- tables as tables. t.run [[ local sizing = require "tidelock.sizing" return
-- sizing.floor(decimal("2.7"), decimal(1)) ]]
function t.run(chunk)
    local made, report = open("chunk", nil, table.concat{
        "local function run() ", chunk, "\nend\n",
        "return { name = 'chunk', version = '1', instruments = '*', size = function(f)\n",
        "return { quantity = 1, result = { run() } } end }" })
    if not made then error(report, 2) end
    local d = made:decide{ signal = { type = "BASE_ENTRY", position = "Long_1", price = "1" } }
    if d.verdict ~= "accept" then error(d.reason, 2) end
    local result = d.trace.size.result
    if type(result) ~= "table" then return nil end
    return unpack(result)
end

return t
