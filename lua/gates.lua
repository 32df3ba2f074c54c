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
-- An option is a number or decimal, or a text that names one of the strategy's parameters, read at each decision. Gates
-- run for entries only: nothing here can hold an exit back. Every verdict carries the figures it was made of.
local rmultiple = require "tidelock.rmultiple"
local sessions = require "tidelock.sessions"

local gates = {}

local zero, one, hundred = decimal(0), decimal(1), decimal(100)

-- An option as a decimal.
local function number(option)
    if type(option) == "string" then option = params[option] end
    return decimal(option)
end

local function is_pyramid(f)
    return f.signal.type == "PYRAMID"
end

--- The layers of a position are opened in order: a base only when nothing is open, a pyramid only on a base, as the next layer, at
-- most `most` of them.
function gates.layers(options)
    local most = options.most
    return { name = "layers", check = function(f)
        local open, layer = #f.positions, f.signal.layer
        if not is_pyramid(f) then
            if open > 0 then return reject("a position is open already", { open = open }) end
            return pass{ open = open }
        end
        local pyramid = f.pyramid
        if open == 0 or not pyramid then return reject("there is no base to pyramid on", { open = open }) end
        local limit = number(most):int()
        if pyramid.pyramids >= limit then
            return reject("all pyramids are taken", { pyramids = pyramid.pyramids, most = limit })
        end
        if layer ~= pyramid.pyramids + 2 then
            return reject("the pyramid is not the next layer", { layer = layer, expected = pyramid.pyramids + 2 })
        end
        return pass{ layer = layer, pyramids = pyramid.pyramids, most = limit }
    end }
end

--- Pyramids only once the base has won strictly more than `multiple` R.
function gates.one_r(options)
    local multiple = options and options.multiple or 1
    return { name = "one_r", check = function(f)
        if not is_pyramid(f) then return pass() end
        local signal, pyramid = f.signal, f.pyramid
        if not pyramid or not pyramid.base_entry_price then return reject("there is no base to pyramid on") end
        local unit = rmultiple.unit(signal.side, pyramid.base_entry_price, pyramid.base_stop)
        if not unit then return reject("the base has no initial stop to measure R by") end
        local gain = rmultiple.gain(signal.side, pyramid.base_entry_price, signal.price)
        local needed = unit * number(multiple)
        if gain > needed then return pass{ gain = gain, more_than = needed } end
        return reject("the base has not won enough", { gain = gain, more_than = needed })
    end }
end

--- Pyramids keep at least `spacing` ATRs from the layer before.
function gates.atr_spacing(options)
    local spacing = options.spacing
    return { name = "atr_spacing", check = function(f)
        if not is_pyramid(f) then return pass() end
        local signal, pyramid = f.signal, f.pyramid
        if not pyramid or not pyramid.last_entry_price then return reject("there is no layer before") end
        local atr = signal.atr
        if not atr or atr:sign() <= 0 then return reject("the signal has no atr") end
        local gain = rmultiple.gain(signal.side, pyramid.last_entry_price, signal.price)
        local needed = atr * number(spacing)
        if gain >= needed then return pass{ gain = gain, needed = needed } end
        return reject("too near to the layer before", { gain = gain, needed = needed })
    end }
end

-- Money that one more least order would lose at its stop.
local function step_risk(f)
    local signal, instrument = f.signal, f.instrument
    if not signal.stop then return nil end
    local step = instrument.quantity_step or one
    return (signal.price - signal.stop):abs() * instrument.point_value * step
end

local function step_margin(f)
    return f.instrument.margin * (f.instrument.quantity_step or one)
end

-- Money that one ATR moves this strategy's layers on the instrument, and one more least order with them.
local function projected_volatility(f)
    local signal, instrument = f.signal, f.instrument
    local moved = signal.atr * (instrument.quantity_step or one)
    for _, layer in ipairs(f.positions) do moved = moved + (layer.atr or signal.atr) * layer.quantity end
    return moved * instrument.point_value
end

--- The whole portfolio's risk, margin and this position's volatility stay under their caps with even the least order added, and pyramids
-- wait for a profit. options: risk_percent, volatility_percent, margin_percent (of equity; each may be left out),
-- profit = true: pyramids only while the instrument as a whole is in profit.
function gates.portfolio_heat(options)
    local risk_cap, volatility_cap, margin_cap = options.risk_percent, options.volatility_percent, options.margin_percent
    local profit_needed = options.profit
    return { name = "portfolio_heat", check = function(f)
        local portfolio = f.portfolio
        local equity = portfolio.equity
        if equity:sign() <= 0 then return reject("there is no equity", { equity = equity }) end
        if profit_needed and is_pyramid(f) then
            local profit = f.instrument_unrealised
            if not profit or profit:sign() <= 0 then
                return reject("the instrument is not in profit", { profit = profit })
            end
        end
        local risk, volatility, margin
        if risk_cap then
            local added = step_risk(f)
            if not added then return reject("the signal has no stop to measure risk by") end
            risk = (portfolio.open_risk + added):muldiv(hundred, equity)
            local cap = number(risk_cap)
            if risk > cap then return reject("portfolio risk is over its cap", { risk_percent = risk, cap = cap }) end
        end
        if volatility_cap and f.signal.atr then
            volatility = projected_volatility(f):muldiv(hundred, equity)
            local cap = number(volatility_cap)
            if volatility > cap then
                return reject("volatility is over its cap", { volatility_percent = volatility, cap = cap })
            end
        end
        if margin_cap then
            margin = (portfolio.margin_used + step_margin(f)):muldiv(hundred, equity)
            local cap = number(margin_cap)
            if margin > cap then return reject("too much margin is in use", { margin_percent = margin, cap = cap }) end
        end
        return pass{ risk_percent = risk, volatility_percent = volatility, margin_percent = margin }
    end }
end

--- Pyramids only while the instrument as a whole is in profit.
function gates.instrument_profit()
    return { name = "instrument_profit", check = function(f)
        if not is_pyramid(f) then return pass() end
        local profit = f.instrument_unrealised
        if not profit then return reject("the instrument's profit is not known") end
        if profit:sign() > 0 then return pass{ profit = profit } end
        return reject("the instrument is not in profit", { profit = profit })
    end }
end

--- Margin in use, with the least order added, stays at or under `most` percent of equity.
function gates.margin_use(options)
    local most = options.most
    return { name = "margin_use", check = function(f)
        local portfolio = f.portfolio
        if portfolio.equity:sign() <= 0 then return reject("there is no equity", { equity = portfolio.equity }) end
        local used = portfolio.margin_used + step_margin(f)
        local percent, cap = used:muldiv(hundred, portfolio.equity), number(most)
        if percent > cap then return reject("too much margin is in use", { percent = percent, cap = cap }) end
        return pass{ percent = percent, cap = cap }
    end }
end

--- The signal's price agrees with the market's: at most `base` percent apart for a base entry, `pyramid` for a pyramid. Without a market price it
-- passes and says so; `required = true` rejects instead.
function gates.price_check(options)
    local base, pyramid, required = options.base, options.pyramid or options.base, options.required
    return { name = "price_check", check = function(f)
        local price, last = f.signal.price, f.last_price
        if not last then
            if required then return reject("there is no market price to compare with") end
            return pass{ market = "unknown" }
        end
        local apart = (last - price):abs():muldiv(hundred, price)
        local cap = number(is_pyramid(f) and pyramid or base)
        if apart > cap then
            return reject("the signal's price is away from the market's", { price = price, market = last, percent = apart, cap = cap })
        end
        return pass{ percent = apart, cap = cap }
    end }
end

--- What the chart claims to hold agrees with what is held. The strategy declares
-- extra = { market_position = "text", prev_market_position = "text" }; a chart that claims nothing passes.
function gates.claims()
    return { name = "claims", check = function(f)
        local extra, open = f.signal.extra, #f.positions
        local now, before = extra.market_position, extra.prev_market_position
        local wanted = f.signal.side == "SHORT" and "short" or "long"
        if now and now ~= wanted then
            return reject("the chart does not hold what it asks for", { chart = now, asked = wanted })
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

--- Entries only in the exchange's session. options: exchange (default: the instrument's), from_open and to_close (minutes kept free at
-- its ends), muhurat = true to trade the festive session too.
function gates.session(options)
    options = options or {}
    local from_open, to_close = options.from_open or 0, options.to_close or 0
    return { name = "session", check = function(f)
        local exchange = options.exchange or f.instrument.exchange
        local session = sessions.at(exchange, f.now)
        if not session.open then return reject(session.reason, { exchange = exchange, at = sessions.text(exchange, f.now) }) end
        if session.kind == "muhurat" and not options.muhurat then
            return reject("entries are not taken in the muhurat session", { exchange = exchange })
        end
        local since, left = math.floor((f.now - session.opens) / 60), math.floor((session.closes - f.now) / 60)
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
        if f.unresolved_order then return defer(seconds, "an order of this instrument is not resolved yet") end
        return pass()
    end }
end

--- No entries once the day has lost `most` percent of equity.
function gates.day_loss(options)
    local most = options.most
    return { name = "day_loss", check = function(f)
        local portfolio, cap = f.portfolio, number(most)
        local lost = portfolio.day_loss or zero
        if portfolio.equity:sign() <= 0 then return reject("there is no equity", { equity = portfolio.equity }) end
        local percent = lost:muldiv(hundred, portfolio.equity)
        if percent >= cap then return reject("the day has lost enough", { percent = percent, cap = cap }) end
        return pass{ percent = percent, cap = cap }
    end }
end

return gates
