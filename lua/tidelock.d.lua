-- luacheck: ignore
---@meta
-- What the sandbox gives to policies, for editors (Lua Language Server). Never loaded.
-- Written by `tidelock policy annotations` from the rows of it; a test holds it against them.

--- An exact decimal number: 12 places, about 26 digits before the point. Arithmetic takes decimals
--- and exact Lua numbers; `<`, `<=`, `==` work between two decimals only (else :lt, :eq ...).
---@class decimal
---@operator add(decimal|number): decimal
---@operator sub(decimal|number): decimal
---@operator mul(decimal|number): decimal
---@operator div(decimal|number): decimal
---@operator mod(decimal|number): decimal
---@operator unm: decimal
local decimal_methods = {}
---@return decimal
function decimal_methods:abs() end
---@param step? decimal|number
---@return decimal
function decimal_methods:ceil(step) end
--- -1 when it is less than the other, 0 when equal, 1 when more.
---@param other decimal|number
---@return -1|0|1
function decimal_methods:cmp(other) end
--- self / by, rounded half to even at the twelfth place.
---@param by decimal|number
---@param rounding? 'half_even'|'down'|'floor'|'ceiling'
---@return decimal
function decimal_methods:div(by, rounding) end
---@param other decimal|number
---@return boolean
function decimal_methods:eq(other) end
--- To a multiple of `step` (default 1), towards minus infinity.
---@param step? decimal|number
---@return decimal
function decimal_methods:floor(step) end
---@param other decimal|number
---@return boolean
function decimal_methods:ge(other) end
---@param other decimal|number
---@return boolean
function decimal_methods:gt(other) end
--- As a Lua number; an error unless it is whole.
---@return integer
function decimal_methods:int() end
---@return boolean
function decimal_methods:is_zero() end
---@param other decimal|number
---@return boolean
function decimal_methods:le(other) end
---@param other decimal|number
---@return boolean
function decimal_methods:lt(other) end
--- The largest of all.
---@param ... decimal|number
---@return decimal
function decimal_methods:max(...) end
--- The smallest of all.
---@param ... decimal|number
---@return decimal
function decimal_methods:min(...) end
--- self · by / over with one rounding.
---@param by decimal|number
---@param over decimal|number
---@return decimal
function decimal_methods:muldiv(by, over) end
--- As the nearest Lua number: for display, never back into money.
---@return number
function decimal_methods:number() end
--- Half to even, unless told otherwise.
---@param step? decimal|number
---@param rounding? 'half_even'|'down'|'floor'|'ceiling'
---@return decimal
function decimal_methods:round(step, rounding) end
---@return -1|0|1
function decimal_methods:sign() end
---@return decimal
function decimal_methods:sqrt() end
--- Towards zero.
---@param step? decimal|number
---@return decimal
function decimal_methods:trunc(step) end

--- decimal("0.05"), decimal(3). Every method is a function here, too: decimal.min(a, b).
---@class decimals
---@overload fun(value: string|number|decimal): decimal
decimal = {}
---@param value any
---@return boolean
function decimal.is(value) end
decimal.abs = decimal_methods.abs
decimal.ceil = decimal_methods.ceil
decimal.cmp = decimal_methods.cmp
decimal.div = decimal_methods.div
decimal.eq = decimal_methods.eq
decimal.floor = decimal_methods.floor
decimal.ge = decimal_methods.ge
decimal.gt = decimal_methods.gt
decimal.int = decimal_methods.int
decimal.is_zero = decimal_methods.is_zero
decimal.le = decimal_methods.le
decimal.lt = decimal_methods.lt
decimal.max = decimal_methods.max
decimal.min = decimal_methods.min
decimal.muldiv = decimal_methods.muldiv
decimal.number = decimal_methods.number
decimal.round = decimal_methods.round
decimal.sign = decimal_methods.sign
decimal.sqrt = decimal_methods.sqrt
decimal.trunc = decimal_methods.trunc

--- Texts of at most 256 KiB; numbers keep every digit: what no Lua number holds is a decimal.
json = {}
---@param value any
---@return string
function json.encode(value) end
---@param text string
---@return any
function json.decode(text) end
--- What `null` reads as, and is written as.
---@type userdata
json.null = nil

---@alias inputs table<string, decimal|number|string|boolean>

--- The gate has no objection. `inputs` go into the decision's trace.
---@param inputs? inputs
function pass(inputs) end
--- The entry is refused.
---@param reason string
---@param inputs? inputs
function reject(reason, inputs) end
--- Ask again after `seconds`.
---@param seconds decimal|number
---@param reason string
---@param inputs? inputs
function defer(seconds, reason, inputs) end

--- An indicator: feed it the bar being handled (or one number), get its values; nil until warm.
---@class indicator
local indicator_methods = {}
---@param bar bar|decimal|number
---@return decimal?, any, any
function indicator_methods:push(bar) end
--- As push without giving the values: cheaper where they are read only now and then.
---@param bar bar|decimal|number
function indicator_methods:feed(bar) end
--- All of them, or the one at the place `which`.
---@param which? integer
---@return decimal?, any, any
function indicator_methods:value(which) end
--- False until it is warm, as the other comparisons are.
---@param other decimal|number
---@return boolean
function indicator_methods:above(other) end
---@param other decimal|number
---@return boolean
function indicator_methods:at_least(other) end
---@param other decimal|number
---@return boolean
function indicator_methods:below(other) end
---@param other decimal|number
---@return boolean
function indicator_methods:at_most(other) end
---@return integer
function indicator_methods:seen() end

ta = {}
---@param length integer
---@return indicator
function ta.sma(length) end
---@param length integer
---@return indicator
function ta.ema(length) end
---@param length integer
---@return indicator
function ta.rma(length) end
--- Highest high, this bar included.
---@param length integer
---@return indicator
function ta.highest(length) end
--- Lowest low, this bar included.
---@param length integer
---@return indicator
function ta.lowest(length) end
---@param length integer
---@return indicator
function ta.stdev(length) end
--- Percent.
---@param length integer
---@return indicator
function ta.roc(length) end
--- Kaufman's efficiency ratio, 0 to 1.
---@param length integer
---@return indicator
function ta.er(length) end
---@param length integer
---@return indicator
function ta.rsi(length) end
---@param length integer
---@return indicator
function ta.atr(length) end
--- push gives middle, upper, lower.
---@param length integer
---@param width decimal|number
---@return indicator
function ta.bollinger(length, width) end
--- push gives upper, lower of the bars before this one.
---@param length integer
---@return indicator
function ta.donchian(length) end
--- push gives line, up (boolean), atr.
---@param length integer
---@param factor decimal|number
---@return indicator
function ta.supertrend(length, factor) end
--- push gives adx, +DI, -DI.
---@param length integer
---@return indicator
function ta.adx(length) end
--- Feeds them all: one call is cheaper than one for each.
---@param bar bar|decimal|number
---@param ... indicator
function ta.feed(bar, ...) end

--- require "tidelock.rules"
---@class tidelock.rules
local rules = {}
---@param f facts
---@param most integer
---@return boolean, any, table?
function rules.layers(f, most) end
---@param f facts
---@param multiple decimal|number
---@return boolean, any, table?
function rules.one_r(f, multiple) end
---@param f facts
---@param spacing decimal|number
---@return boolean, any, table?
function rules.atr_spacing(f, spacing) end
--- Caps in percent of equity.
---@param f facts
---@param risk? decimal|number
---@param volatility? decimal|number
---@param margin? decimal|number
---@param profit? decimal|number
---@return boolean, any, table?
function rules.heat(f, risk, volatility, margin, profit) end
--- Caps in percent; `required`: a market price must be there.
---@param f facts
---@param base decimal|number
---@param pyramid decimal|number
---@param required? boolean
---@return any, table?
function rules.price_check(f, base, pyramid, required) end
---@param f facts
---@param cap decimal|number
---@return boolean, any, table?
function rules.day_loss(f, cap) end
--- Options: risk_percent, volatility_percent, er, blended.
---@param f facts
---@param options table
---@return table|boolean, string?, table?
function rules.base_size(f, options) end
--- Options: base_share, profit_share.
---@param f facts
---@param options table
---@return table|boolean, string?, table?
function rules.pyramid_size(f, options) end
--- By the signal's type.
---@param f facts
---@param base table
---@param pyramid table
---@return table|boolean, string?, table?
function rules.entry_size(f, base, pyramid) end
--- As entry_size; a quantity and a stop instead of a table while no figures are wanted.
---@param f facts
---@param base table
---@param pyramid table
---@return table|decimal|number|boolean, any, table?
function rules.entry_lots(f, base, pyramid) end
--- A gate's check: the rule of this name with these options; a text names a parameter.
---@param rule string
---@param ... decimal|number|string|boolean|nil
---@return fun(f: facts): boolean, any, table?
function rules.gate(rule, ...) end
---@param side 'LONG'|'SHORT'
---@param stop decimal|number
---@param best decimal|number
---@param close decimal|number
---@param atr? decimal|number
---@param multiplier decimal|number
---@param tick? decimal|number
---@return decimal, decimal, boolean
function rules.trail(side, stop, best, close, atr, multiplier, tick) end

--- The strategy's parameters: frozen, known from start() and the gates on, not while files load.
---@type table<string, decimal|integer|boolean|string>
params = {}

---@class signal
---@field layer integer             3 for Long_3, 0 for ALL
---@field age? integer              seconds since `at`
---@field extra table<string, decimal|string|boolean>  those declared in `extra`
---@field id string
---@field source string
---@field type 'BASE_ENTRY'|'PYRAMID'|'EXIT'
---@field position string           "Long_1" ... "Short_6", "ALL"
---@field side 'LONG'|'SHORT'
---@field price decimal
---@field stop? decimal
---@field atr? decimal
---@field quantity? decimal         what the sender suggests
---@field at integer                epoch seconds, the sender's time
---@field received_at integer

---@class instrument
---@field name string
---@field exchange string
---@field lot_size decimal
---@field tick decimal
---@field quantity_step decimal
---@field point_value decimal       money per point per lot
---@field margin decimal            money per lot
---@field min_quantity? decimal
---@field max_quantity? decimal

---@class position
---@field label string
---@field side 'LONG'|'SHORT'
---@field is_base boolean
---@field quantity decimal
---@field entry_price decimal
---@field initial_stop? decimal
---@field stop? decimal
---@field atr? decimal
---@field opened_at integer

---@class pyramid
---@field layers integer
---@field pyramids integer
---@field quantity decimal
---@field last_entry_price? decimal
---@field base_entry_price? decimal
---@field base_stop? decimal
---@field base_quantity? decimal

---@class portfolio
---@field equity decimal            closed equity
---@field unrealised decimal
---@field blended_equity decimal    equity and half of what is unrealised
---@field open_risk decimal         money lost if every stop is hit
---@field open_risk_percent? decimal
---@field margin_used decimal
---@field margin_free decimal
---@field exposure decimal
---@field day_loss decimal
---@field drawdown_percent decimal
---@field open_positions integer

---@class stats
---@field signals integer
---@field accepted integer
---@field rejected integer
---@field orders integer
---@field fills integer
---@field wins integer
---@field losses integer
---@field realised decimal
---@field fees decimal
---@field volume decimal

---@class bar
---@field at integer                start of the bar, epoch seconds
---@field open decimal
---@field high decimal
---@field low decimal
---@field close decimal
---@field volume? decimal

---@class fill
---@field id string
---@field order_id string
---@field side 'BUY'|'SELL'
---@field quantity decimal
---@field price decimal
---@field fee decimal
---@field at integer

---@class difference
---@field kind string
---@field order_id string           "" of a position
---@field expiry string             of a dated contract, else ""
---@field ours? decimal             lots, short below zero; of an order what is filled
---@field theirs? decimal           the broker's
---@field price? decimal            the broker's average, or the order's limit
---@field our_state string          of an order
---@field their_state string        of an order

---@class due
---@field label string
---@field side 'LONG'|'SHORT'
---@field is_base boolean
---@field quantity decimal
---@field entry_price? decimal
---@field stop? decimal
---@field expiry string             "2026-11-24"
---@field next_expiry string        the contract it rolls into
---@field status 'none'|'pending'|'in_progress'|'rolled'|'failed'
---@field days_left integer         calendar days until the expiry
---@field sessions_left integer     today's included until it closes
---@field closes_in integer         seconds of today's session; 0: closed
---@field is_open boolean           the exchange, now
---@field far_failed boolean        closed here, and the next contract not had: put back?

--- Everything a policy may know. Frozen; a field it does not have is an error, an absent
--- value nil.
---@class facts
---@field signal? signal            nil in start and on_bar
---@field instrument instrument
---@field positions position[]      open layers of this strategy here, oldest first
---@field pyramid? pyramid
---@field portfolio portfolio
---@field stats? stats
---@field last_price? decimal
---@field last_price_at? integer
---@field instrument_unrealised? decimal
---@field halt 'none'|'no_entry'|'reduce_only'|'flatten'|'freeze'
---@field now integer               epoch seconds; the only clock
---@field unresolved_order boolean

--- An item of the list that on_bar returns: a signal of the strategy's own.
---@class bar_signal
---@field type 'BASE_ENTRY'|'PYRAMID'|'EXIT'
---@field position string           "Long_1" ... "Short_6"; "ALL" with EXIT
---@field side? 'LONG'|'SHORT'      default: by the position's name
---@field price? decimal|number     default: the bar's close
---@field stop? decimal|number
---@field atr? decimal|number
---@field quantity? decimal|number
---@field note? string

--- An item of the list that on_bar returns: moves the stop of an open layer, only ever nearer to
--- the price. Rounded to the tick towards the price; equal or farther ones change nothing.
---@class stop_move
---@field type 'STOP'
---@field position string           "Long_1" ... "Short_6", or "ALL"
---@field stop decimal|number

--- What reconcile(difference, f) may return: adopt, close_here, cancel_there, use_broker, flatten,
--- freeze, alert or ignore, alone or as `action`.
---@class match_answer
---@field action string
---@field reason? string            stands in the report

--- What rollover(due, f) may return; true alone means now.
---@class roll_answer
---@field now? boolean              roll it; default false
---@field put_back? boolean         asked when the far leg failed; default true
---@field reason? string            stands in the event
