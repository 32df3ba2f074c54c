--- The stock answers for reconcile and rollover.
local contracts = assert(loadfile("lua/contracts.lua"))()

describe("contracts", function()
    it("adopts its own orders and leaves the rest to a person", function()
        assert.are.equal("adopt", contracts.careful({ kind = "orphan_order" }).action)
        assert.are.equal("alert", contracts.careful({ kind = "quantity_differs" }).action)
    end)

    it("believes the broker of an account of its own", function()
        assert.are.equal("close_here", contracts.trusting({ kind = "position_missing_there" }))
        assert.are.equal("use_broker", contracts.trusting({ kind = "quantity_differs" }))
        assert.is_nil(contracts.trusting({ kind = "unknown_order" }))
    end)

    local due = { sessions_left = 2, is_open = true, closes_in = 3600, far_failed = false }
    local function with(more)
        return setmetatable(more, { __index = due })
    end

    it("rolls when few sessions are left, while there is time", function()
        local roll = contracts.before_expiry({})
        assert.is_true(roll(due).now)
        assert.is_nil(roll(with({ sessions_left = 3 })))
        assert.is_nil(roll(with({ is_open = false })))
        assert.is_nil(roll(with({ closes_in = 300 })))
        assert.is_true(contracts.before_expiry({ sessions = 3 })(with({ sessions_left = 3 })).now)
    end)

    it("puts back what could not be rolled, unless told otherwise", function()
        assert.is_true(contracts.before_expiry({})(with({ far_failed = true })).put_back)
        local flat = contracts.before_expiry({ put_back = false })
        assert.is_false(flat(with({ far_failed = true })).put_back)
    end)
end)
