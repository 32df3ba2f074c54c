--- How many lots: by risk, by volatility, by margin; the smallest wins and is named.
--
--     local sizing = require "tidelock.sizing"
--     size = function(f)
--         return sizing.entry(f, { risk_percent = params.risk_percent }, { profit_share = 0.5 })
--     end
--
-- Everything is exact. What the formulas give is a fraction of lots; it is rounded down to the
-- instrument's quantity step once, at the end, after the smallest was found.
-- The host's arithmetic: sizing stands on the path of every signal.
local rules = require "tidelock.rules"

local base_size, pyramid_size = rules.base_size, rules.pyramid_size
local entry_size, entry_lots = rules.entry_size, rules.entry_lots

local sizing = {}

local none = {}
local zero, one, hundred = decimal(0), decimal(1), decimal(100)
local half = decimal("0.5")

--- Down to whole steps (lots), never below zero.
function sizing.floor(quantity, step)
    if quantity:sign() <= 0 then return zero end
    return quantity:floor(step)
end

--- Lot-R: what may be lost at the stop. equity·risk% / (|entry − stop|·point_value) · er; nil when
-- entry equals stop. `er` (an efficiency ratio of 0 to 1) scales the risk; nil leaves it whole.
function sizing.risk(equity, risk_percent, entry, stop, point_value, er)
    local loss = (entry - stop):abs() * point_value
    if loss:sign() == 0 then return nil end
    local money = equity:muldiv(risk_percent, hundred)
    if er then return money:muldiv(er, loss) end
    return money / loss
end

--- Lot-V: what one ATR may move the account. equity·vol% / (atr·point_value); nil when the ATR is
-- zero.
function sizing.volatility(equity, volatility_percent, atr, point_value)
    local move = atr * point_value
    if move:sign() <= 0 then return nil end
    return equity:muldiv(volatility_percent, hundred) / move
end

--- Lot-M: what the free margin carries; nil when a lot needs none.
function sizing.margin(free, margin_per_lot)
    if margin_per_lot:sign() <= 0 then return nil end
    return free / margin_per_lot
end

--- The smallest of named numbers ({ risk = 1.67, margin = 18.5 }) and its name; nil without any.
-- Ties go to the name that comes first in the alphabet, so that equal facts give equal words.
function sizing.smallest(numbers)
    local best, name
    for key, value in pairs(numbers) do
        if not best or value < best or (value == best and key < name) then
            best, name = value, key
        end
    end
    return best, name
end

--- The base entry: floor(min(Lot-R, Lot-V, Lot-M)), and at most the instrument's largest order.
-- options: risk_percent (required), volatility_percent (nil: Lot-V does not limit), er (a
-- decimal, or
-- the name of the signal's extra field that has it; nil: 1), blended (size on equity plus half of
-- what is unrealised, instead of on closed equity). Rejects when the stop cannot be used.
function sizing.base(f, options)
    return base_size(f, options)
end

--- The three numbers of a pyramid, as fractions of lots: A free margin, B half of the base, C half
-- of the profit beyond the base's risk. `values`: margin_free, margin_per_lot, base_quantity,
-- profit (after the base's risk), price, stop, point_value; base_share and profit_share default to
-- 0.5.
function sizing.pyramid_numbers(values)
    local loss = (values.price - values.stop):abs() * values.point_value
    local profit = values.profit:sign() > 0 and values.profit or zero
    return {
        margin = sizing.margin(values.margin_free, values.margin_per_lot),
        base = values.base_quantity * (values.base_share or half),
        profit = loss:sign() > 0 and profit:muldiv(values.profit_share or half, loss) or zero,
    }
end

--- A pyramid: floor(min(A, B, C)), and at most the instrument's largest order. options: base_share,
-- profit_share (0.5 each). The profit that counts is the instrument's, less what the base risked.
function sizing.pyramid(f, options)
    return pyramid_size(f, options or none)
end

--- sizing.base or sizing.pyramid, by the signal's type.
function sizing.entry(f, base_options, pyramid_options)
    return entry_size(f, base_options, pyramid_options or none)
end

--- As sizing.entry, for a `size` that returns it as it is: a quantity and a stop, and a table with
-- the figures only while somebody wants to see them.
function sizing.lots(f, base_options, pyramid_options)
    return entry_lots(f, base_options, pyramid_options or none)
end

--- Lots to take off when a running limit is passed: ceil(excess / amount per lot).
function sizing.peel_off(excess, per_lot)
    if excess:sign() <= 0 or per_lot:sign() <= 0 then return zero end
    return (excess / per_lot):ceil(one)
end

return sizing
