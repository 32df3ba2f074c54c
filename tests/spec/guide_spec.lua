-- The guide's own example is loaded and asked, so that it stays true.
local t = require "tidelock.testing"

describe("strategies/README.md", function()
    local file = assert(io.open("strategies/README.md"))
    local guide = file:read("*a")
    file:close()
    local example = guide:match("```lua\n(.-)```")
    local base = { type = "BASE_ENTRY", position = "Long_1", price = "52000", stop = "51650" }

    it("has an example that loads, sizes and rejects Fridays", function()
        local s, report = t.text("demo", example, { risk_percent = "2" })
        assert.is_nil(report)
        assert.are.equal("8", s:decide{ signal = base }.quantity)
        local d = s:decide{ signal = base, now = 1699000000 }
        assert.are.same({ "reject", "not_friday" }, { d.verdict, d.gate })
    end)

    it("has an example that makes signals of bars", function()
        local s = t.text("demo", example)
        local signals
        for i = 1, 20 do
            local price = tostring(50000 + i * 10)
            signals = s:bar{ at = 1700000000 + i * 900, open = price, high = price, low = price,
                close = price }
        end
        assert.are.same({ "BASE_ENTRY", "Long_1", "strong" },
            { signals[1].type, signals[1].position, signals[1].note })
    end)
end)

describe("the environment of policies", function()
    local function fails(chunk, why)
        local ok, err = pcall(t.run, chunk)
        assert.is_false(ok)
        assert.is_truthy(err:find(why, 1, true), err)
    end

    it("has no way out, and says so", function()
        for _, name in ipairs{ "io", "os", "debug", "package", "loadstring", "coroutine", "_G" } do
            fails("return " .. name, name)
        end
        fails("return require 'ffi'", "ffi")
    end)

    it("compares decimals only with decimals, and says how", function()
        fails("return decimal(5) > 3", "price:lt(5)")
        local right = t.run "return decimal(5):gt(3) and decimal('5.0') == decimal(5)"
        assert.is_true(right)
    end)

    it("refuses what is no exact number", function()
        fails("return decimal(1) + 1/3", "exact")
    end)
end)
