-- Trading hours: weekends, holidays, the festive session, the summer time that MCX follows.
local t = require "tidelock.testing"

-- Epoch seconds of a time in India.
local function at(text)
    local y, mo, d, h, mi = text:match("(%d+)-(%d+)-(%d+) (%d+):(%d+)")
    return os.time{ year = y, month = mo, day = d, hour = h, min = mi } - os.time{ year = 2000,
        month = 1, day = 1, hour = 0 }
        + 946684800 - 330 * 60
end

local function session(exchange, text)
    return t.run(([[
        local s = require("tidelock.sessions").at("%s", %d)
        return { open = s.open, kind = s.kind, reason = s.reason, known = s.known,
            left = s.closes and (s.closes - %d) / 60 }
    ]]):format(exchange, at(text), at(text)))
end

describe("tidelock.sessions", function()
    it("knows NSE's day", function()
        assert.is_false(session("NSE", "2025-07-21 09:14").open)
        local s = session("NSE", "2025-07-21 09:15")
        assert.are.same({ true, "regular", true, 375 }, { s.open, s.kind, s.known, s.left })
        assert.is_true(session("NSE", "2025-07-21 15:29").open)
        assert.are.equal("NSE has closed for the day", session("NSE", "2025-07-21 15:30").reason)
        assert.are.equal("NSE is closed on Saturdays", session("NSE", "2025-07-19 11:00").reason)
        assert.are.equal("NSE is closed: Independence Day", session("NSE",
            "2025-08-15 11:00").reason)
    end)

    it("knows the festive session, on a Sunday too", function()
        local s = session("NSE", "2025-10-21 14:00")
        assert.are.same({ true, "muhurat", 45 }, { s.open, s.kind, s.left })
        assert.is_false(session("NSE", "2025-10-21 10:00").open)
        assert.is_true(session("NSE", "2026-11-08 18:30").open)
    end)

    it("closes MCX with American summer time", function()
        assert.are.equal(30, session("MCX", "2026-03-09 23:00").left) -- summer began on March 8
        assert.are.equal(55, session("MCX", "2026-03-06 23:00").left)
        assert.are.equal(30, session("MCX", "2026-10-30 23:00").left) -- it ends on November 1
        assert.are.equal(55, session("MCX", "2026-11-02 23:00").left)
        assert.is_false(session("MCX", "2026-03-03 12:00").open) -- Holi: the evening only
        assert.is_true(session("MCX", "2026-03-03 18:00").open)
    end)

    it("says when its lists do not reach", function()
        assert.is_false(session("NSE", "2015-01-09 10:00").known)
        assert.is_true(session("NSE", "2015-01-09 10:00").open)
        assert.is_true(session("ALWAYS", "2025-10-19 03:00").open)
    end)

    it("refuses exchanges it has no hours for", function()
        assert.has_error(function() session("LSE", "2025-07-21 09:15") end)
    end)
end)
