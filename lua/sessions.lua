--- Trading hours: when an exchange is open, as data with the time it is known for.
--
--     local sessions = require "tidelock.sessions"
--     local s = sessions.at("NSE", f.now)
--     if s.open then ... s.closes - f.now ... else ... s.reason ("NSE is closed on Saturdays") end
--
-- Exchanges publish holidays for a year at a time and correct them by circular: check the lists
-- below against the exchange's before relying on them. Beyond `known` only weekends and hours are
-- applied, and the answer says known = false. Pure arithmetic on f.now: no clock, no time zone
-- files.
local sessions = {}

local day_s = 86400

-- Days since 1970-01-01 of a civil date, and back (proleptic Gregorian).
local function days_of(year, month, day)
    if month <= 2 then year = year - 1 end
    local era = math.floor(year / 400)
    local yoe = year - era * 400
    local doy = math.floor((153 * (month + (month > 2 and -3 or 9)) + 2) / 5) + day - 1
    return era * 146097 + yoe * 365 + math.floor(yoe / 4) - math.floor(yoe / 100) + doy - 719468
end

local function civil_of(days)
    local z = days + 719468
    local era = math.floor(z / 146097)
    local doe = z - era * 146097
    local leaps = math.floor(doe / 1460) - math.floor(doe / 36524) + math.floor(doe / 146096)
    local yoe = math.floor((doe - leaps) / 365)
    local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
    local mp = math.floor((5 * doy + 2) / 153)
    local month = mp < 10 and mp + 3 or mp - 9
    return yoe + era * 400 + (month <= 2 and 1 or 0), month,
        doy - math.floor((153 * mp + 2) / 5) + 1
end

-- 0 is Monday.
local function weekday_of(days)
    return (days + 3) % 7
end

local function minutes(text)
    local hour, minute = text:match("^(%d%d):(%d%d)$")
    return tonumber(hour) * 60 + tonumber(minute)
end

local function key_of(days)
    return string.format("%04d-%02d-%02d", civil_of(days))
end

--- United States summer time (second Sunday of March to first Sunday of November), by date: MCX
-- follows it.
function sessions.us_summer(days)
    local year = civil_of(days)
    local march, november = days_of(year, 3, 1), days_of(year, 11, 1)
    local from = march + (6 - weekday_of(march)) % 7 + 7
    local to = november + (6 - weekday_of(november)) % 7
    return days >= from and days < to
end

--- The data. offset: minutes east of UTC (India has no summer time). holidays: the whole day, or
-- with "evening": closed until 17:00. muhurat: the festive session, also on a day that is otherwise
-- closed.
sessions.exchanges = {
    NSE = {
        offset = 330, from = "09:15", to = "15:30", known = { "2024-01-01", "2026-12-31" },
        holidays = {
            ["2024-01-22"] = "special holiday", ["2024-01-26"] = "Republic Day",
                ["2024-03-08"] = "Mahashivratri",
            ["2024-03-25"] = "Holi", ["2024-03-29"] = "Good Friday", ["2024-04-11"] = "Id-Ul-Fitr",
            ["2024-04-17"] = "Ram Navami", ["2024-05-01"] = "Maharashtra Day",
                ["2024-05-20"] = "general election",
            ["2024-06-17"] = "Bakri Id", ["2024-07-17"] = "Muharram",
                ["2024-08-15"] = "Independence Day",
            ["2024-10-02"] = "Gandhi Jayanti", ["2024-11-01"] = "Diwali",
                ["2024-11-15"] = "Guru Nanak Jayanti",
            ["2024-11-20"] = "assembly election", ["2024-12-25"] = "Christmas",
            ["2025-02-26"] = "Mahashivratri", ["2025-03-14"] = "Holi",
                ["2025-03-31"] = "Id-Ul-Fitr",
            ["2025-04-10"] = "Mahavir Jayanti", ["2025-04-14"] = "Ambedkar Jayanti",
                ["2025-04-18"] = "Good Friday",
            ["2025-05-01"] = "Maharashtra Day", ["2025-08-15"] = "Independence Day",
            ["2025-08-27"] = "Ganesh Chaturthi", ["2025-10-02"] = "Gandhi Jayanti",
                ["2025-10-21"] = "Diwali",
            ["2025-10-22"] = "Balipratipada", ["2025-11-05"] = "Guru Nanak Jayanti",
                ["2025-12-25"] = "Christmas",
            ["2026-01-26"] = "Republic Day", ["2026-03-03"] = "Holi", ["2026-03-26"] = "Ram Navami",
            ["2026-03-31"] = "Mahavir Jayanti", ["2026-04-03"] = "Good Friday",
                ["2026-04-14"] = "Ambedkar Jayanti",
            ["2026-05-01"] = "Maharashtra Day", ["2026-05-28"] = "Bakri Id",
                ["2026-06-26"] = "Muharram",
            ["2026-09-14"] = "Ganesh Chaturthi", ["2026-10-02"] = "Gandhi Jayanti",
                ["2026-10-20"] = "Dussehra",
            ["2026-11-10"] = "Balipratipada", ["2026-11-24"] = "Guru Nanak Jayanti",
                ["2026-12-25"] = "Christmas",
        },
        evening = {},
        muhurat = {
            ["2024-11-01"] = { "18:00", "19:00" }, ["2025-10-21"] = { "13:45", "14:45" },
            ["2026-11-08"] = { "18:00", "19:00" },
        },
    },
    MCX = {
        offset = 330, from = "09:00", to = "23:55", to_us_summer = "23:30", known = { "2024-01-01",
            "2026-12-31" },
        holidays = {
            ["2024-01-26"] = "Republic Day", ["2024-03-29"] = "Good Friday",
                ["2024-08-15"] = "Independence Day",
            ["2024-10-02"] = "Gandhi Jayanti", ["2024-12-25"] = "Christmas",
                ["2025-04-18"] = "Good Friday",
            ["2025-08-15"] = "Independence Day", ["2025-10-02"] = "Gandhi Jayanti",
                ["2025-12-25"] = "Christmas",
            ["2026-01-26"] = "Republic Day", ["2026-04-03"] = "Good Friday",
                ["2026-10-02"] = "Gandhi Jayanti",
            ["2026-12-25"] = "Christmas",
        },
        evening = { -- closed until 17:00
            ["2024-03-08"] = true, ["2024-03-25"] = true, ["2024-04-11"] = true,
                ["2024-04-17"] = true,
            ["2024-05-01"] = true, ["2024-06-17"] = true, ["2024-07-17"] = true,
                ["2024-11-15"] = true,
            ["2025-02-26"] = true, ["2025-03-14"] = true, ["2025-03-31"] = true,
                ["2025-04-10"] = true,
            ["2025-04-14"] = true, ["2025-05-01"] = true, ["2025-08-27"] = true,
                ["2025-10-22"] = true,
            ["2025-11-05"] = true, ["2026-03-03"] = true, ["2026-03-26"] = true,
                ["2026-03-31"] = true,
            ["2026-04-14"] = true, ["2026-05-01"] = true, ["2026-05-28"] = true,
                ["2026-06-26"] = true,
            ["2026-09-14"] = true, ["2026-10-20"] = true, ["2026-11-10"] = true,
                ["2026-11-24"] = true,
        },
        muhurat = {
            ["2024-11-01"] = { "18:00", "19:00" }, ["2025-10-21"] = { "13:45", "14:45" },
            ["2026-11-08"] = { "18:00", "19:00" },
        },
    },
    -- Markets that never close: crypto.
    ALWAYS = { offset = 0, always = true },
}

local day_names = { [0] = "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays",
    "Sundays" }

-- The session of one local day, worked out once per exchange and day.
local cache = {}

local function closed(exchange, reason, known)
    return { kind = "closed", reason = exchange .. " is closed" .. reason, known = known }
end

local function session_of(exchange, data, days)
    local key = key_of(days)
    local known = key >= data.known[1] and key <= data.known[2]
    local midnight = days * day_s - data.offset * 60
    local muhurat = data.muhurat[key]
    if muhurat then
        return { kind = "muhurat", known = known, opens = midnight + minutes(muhurat[1]) * 60,
                 closes = midnight + minutes(muhurat[2]) * 60 }
    end
    local weekday = weekday_of(days)
    if weekday >= 5 then return closed(exchange, " on " .. day_names[weekday], known) end
    if data.holidays[key] then return closed(exchange, ": " .. data.holidays[key], known) end
    local to = data.to_us_summer and sessions.us_summer(days) and data.to_us_summer or data.to
    local from = data.evening[key] and "17:00" or data.from
    return { kind = "regular", known = known, opens = midnight + minutes(from) * 60,
        closes = midnight + minutes(to) * 60 }
end

local function day_session(exchange, data, days)
    local last = cache[exchange]
    if not last or last.days ~= days then
        last = { days = days, session = session_of(exchange, data, days) }
        cache[exchange] = last
    end
    return last.session
end

local always = { open = true, kind = "regular", known = true, opens = 0, closes = 2 ^ 40 }

--- The session at an instant (epoch seconds): open, kind ("regular", "muhurat", "closed"), opens
-- and closes (epoch seconds, nil on a closed day), reason (when not open), known (false: beyond the
-- holiday lists).
function sessions.at(exchange, now)
    local data = sessions.exchanges[exchange]
    if not data then
        error("sessions: there are no hours for exchange '" .. tostring(exchange) .. "'", 2)
    end
    if data.always then return always end
    local days = math.floor((now + data.offset * 60) / day_s)
    local day = day_session(exchange, data, days)
    if day.kind == "closed" then
        return { open = false, kind = "closed", reason = day.reason, known = day.known }
    end
    local open = now >= day.opens and now < day.closes
    return {
        open = open, kind = day.kind, opens = day.opens, closes = day.closes, known = day.known,
        reason = not open and (exchange .. (now < day.opens and " is not open yet"
            or " has closed for the day")) or nil,
    }
end

--- The local day's number, for "a new day has begun".
function sessions.day(exchange, now)
    local data = sessions.exchanges[exchange]
    if not data then
        error("sessions: there are no hours for exchange '" .. tostring(exchange) .. "'", 2)
    end
    return math.floor((now + data.offset * 60) / day_s)
end

--- "2026-11-08 18:05" in the exchange's time.
function sessions.text(exchange, now)
    local data = sessions.exchanges[exchange]
    local at = now + data.offset * 60
    local days = math.floor(at / day_s)
    local minute = math.floor((at - days * day_s) / 60)
    return string.format("%s %02d:%02d", key_of(days), math.floor(minute / 60), minute % 60)
end

return sessions
