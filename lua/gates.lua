--- Stock gates. Each function makes a gate for the `gates` list of a strategy:
--
--     local gates = require "tidelock.gates"
--     gates = {
--         gates.layers{ most = "pyramids" },
--         gates.one_r{ multiple = 1 },
--         gates.atr_spacing{ spacing = "atr_spacing" },
--         gates.portfolio_heat{ risk_percent = "max_risk_percent", volatility_percent = 4 },
--     }
--
-- An option is a number or decimal, or a text that names one of the strategy's parameters. Gates
-- run for entries only: nothing here can hold an exit back. Every verdict carries the figures it
-- was made of. The arithmetic is the host's (tidelock.rules): a decision stands on the path of
-- every signal.
local gate = require("tidelock.rules").gate
local sessions = require "tidelock.sessions"

local gates = {}

-- An option as a decimal; nil stays nil.
local function number(option)
    if option == nil then return nil end
    if type(option) == "string" then option = params[option] end
    return decimal(option)
end

--- The layers of a position are opened in order: a base only when nothing is open, a pyramid only
-- on a base, as the next layer, at most `most` of them.
function gates.layers(options)
    return { name = "layers", check = gate("layers", options.most) }
end

--- Pyramids only once the base has won strictly more than `multiple` R (default 1).
function gates.one_r(options)
    return { name = "one_r", check = gate("one_r", options and options.multiple or 1) }
end

--- Pyramids keep at least `spacing` ATRs from the layer before.
function gates.atr_spacing(options)
    return { name = "atr_spacing", check = gate("atr_spacing", options.spacing) }
end

--- The whole portfolio's risk and margin, and this position's volatility, stay at or under their
-- caps with even the least order added. options: risk_percent, volatility_percent, margin_percent
-- (of equity; each may be left out), profit = true: pyramids only while the instrument as a whole
-- is in profit.
function gates.portfolio_heat(options)
    return { name = "portfolio_heat", check = gate("heat", options.risk_percent,
        options.volatility_percent, options.margin_percent, options.profit) }
end

--- Pyramids only while the instrument as a whole is in profit.
function gates.instrument_profit()
    return { name = "instrument_profit", check = gate("heat", nil, nil, nil, true) }
end

--- Margin in use, with the least order added, stays at or under `most` percent of equity.
function gates.margin_use(options)
    return { name = "margin_use", check = gate("heat", nil, nil, options.most) }
end

--- The signal's price agrees with the market's: at most `base` percent apart for a base entry,
-- `pyramid` (default: base) for a pyramid. Without a market price it passes; `required = true`
-- rejects instead.
function gates.price_check(options)
    return { name = "price_check", check = gate("price_check", options.base,
        options.pyramid or options.base, options.required) }
end

--- No entries once the day has lost `most` percent of equity.
function gates.day_loss(options)
    return { name = "day_loss", check = gate("day_loss", options.most) }
end

--- What the chart claims to hold agrees with what is held. The strategy declares
-- extra = { market_position = "text", prev_market_position = "text" }; a chart that claims nothing
-- passes.
function gates.claims()
    return { name = "claims", check = function(f)
        local extra, open = f.signal.extra, #f.positions
        local now, before = extra.market_position, extra.prev_market_position
        local wanted = f.signal.side == "SHORT" and "short" or "long"
        if now and now ~= wanted then
            local figures = { chart = now, asked = wanted }
            return reject("the chart does not hold what it asks for", figures)
        end
        if before == "flat" and open > 0 then
            return reject("the chart was flat, but a position is open here", { open = open })
        end
        if (before == "long" or before == "short") and open == 0 then
            return reject("the chart held a position that is not open here", { chart = before })
        end
        return pass{ chart = now, chart_before = before, open = open }
    end }
end

--- Entries only in the exchange's session. options: exchange (default: the instrument's), from_open
-- and to_close (minutes kept free at its ends), muhurat = true to trade the festive session too.
function gates.session(options)
    options = options or {}
    local from_open, to_close = options.from_open or 0, options.to_close or 0
    return { name = "session", check = function(f)
        local exchange = options.exchange or f.instrument.exchange
        local session = sessions.at(exchange, f.now)
        if not session.open then
            local at = sessions.text(exchange, f.now)
            return reject(session.reason, { exchange = exchange, at = at })
        end
        if session.kind == "muhurat" and not options.muhurat then
            return reject("entries are not taken in the muhurat session", { exchange = exchange })
        end
        local since = math.floor((f.now - session.opens) / 60)
        local left = math.floor((session.closes - f.now) / 60)
        if since < number(from_open):number() then
            return reject("too soon after the open", { minutes = since, least = number(from_open) })
        end
        if left < number(to_close):number() then
            return reject("too near to the close", { minutes = left, least = number(to_close) })
        end
        return pass{ minutes_since_open = since, minutes_to_close = left }
    end }
end

--- Waits `seconds` while an order of the instrument has an unknown outcome.
function gates.resolved(options)
    local seconds = options and options.seconds or 5
    return { name = "resolved", check = function(f)
        if f.unresolved_order then
            return defer(seconds, "an order of this instrument is not resolved yet")
        end
        return pass()
    end }
end

return gates
