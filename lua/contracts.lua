--- Stock answers for `reconcile` and `rollover`.
--
--     local contracts = require "tidelock.contracts"
--     return { ...,
--         reconcile = contracts.careful,
--         rollover = contracts.before_expiry{ sessions = 2 } }
local contracts = {}

--- For any account: orders of ours are taken back; every difference of lots is for a person.
function contracts.careful(d)
    if d.kind == "orphan_order" then
        return { action = "adopt", reason = "an order of ours" }
    end
    return { action = "alert", reason = "for a person" }
end

--- For an account that nothing else trades on: the broker is believed.
function contracts.trusting(d)
    local actions = {
        orphan_order = "adopt", position_missing_here = "adopt",
        position_missing_there = "close_here", quantity_differs = "use_broker",
    }
    return actions[d.kind]
end

--- Rolls when `sessions` (default 2) or fewer are left, while the exchange is open, and not in its
-- last `quiet` seconds (default 300). With put_back = false a far leg that fails leaves it flat.
function contracts.before_expiry(options)
    local sessions, quiet = options.sessions or 2, options.quiet or 300
    return function(p)
        if p.far_failed then return { put_back = options.put_back ~= false } end
        if p.sessions_left <= sessions and p.is_open and p.closes_in > quiet then
            return { now = true, reason = p.sessions_left .. " sessions left" }
        end
    end
end

return contracts
