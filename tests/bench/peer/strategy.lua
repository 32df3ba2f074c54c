-- What the throughput bench decides: the gates and sizing every compared host runs as well. A
-- base needs no open base; a pyramid an open one, fewer than five layers on top and a price not
-- below the last entry's. One percent of a fixed equity is risked over a stop two percent away, at
-- most a fifth of the equity is bought, each pyramid halves.
local EQUITY = decimal("10000000")
local RISK_LOTS = EQUITY * decimal("0.01") / decimal("0.02")
local MOST = EQUITY * decimal("0.2")

local function base_is_open(f)
    return f.pyramid ~= nil and f.pyramid.base_entry_price ~= nil
end

local function base(f)
    if f.signal.type == "BASE_ENTRY" then
        if base_is_open(f) then return reject("a base is open") end
    elseif not base_is_open(f) then
        return reject("no base is open")
    end
    return pass()
end

local function room(f)
    if f.signal.type == "PYRAMID" and f.pyramid.pyramids >= 5 then
        return reject("five pyramids stand", { pyramids = f.pyramid.pyramids })
    end
    return pass()
end

local function price(f)
    if f.signal.type == "PYRAMID" and f.signal.price < f.pyramid.last_entry_price then
        return reject("below the last entry", { last = f.pyramid.last_entry_price })
    end
    return pass()
end

local function size(f)
    local lots = (RISK_LOTS / f.signal.price):min(MOST / f.signal.price)
    if f.signal.type == "PYRAMID" then lots = lots / 2 ^ (f.pyramid.pyramids + 1) end
    return { quantity = lots:floor():max(1) }
end

return {
    name = "peer",
    version = "1",
    instruments = "*",
    gates = {
        { name = "base", check = base },
        { name = "room", check = room },
        { name = "price", check = price },
    },
    size = size,
}
