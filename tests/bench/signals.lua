-- wrk script: signals over N instruments, each walking base entry, three pyramids, exit of all; one
-- request in twenty repeats a recent one byte for byte. The same script loads every host compared.
--
-- TARGET path · N instruments (256) from OFFSET (0) on · RUN a number that moves all times, so that
-- no two runs share a signal. Ends in a line "JSON {...}".
local TARGET = os.getenv("TARGET") or "/webhook"
local N = tonumber(os.getenv("N") or 256)
local OFFSET = tonumber(os.getenv("OFFSET") or 0)
local RUN = tonumber(os.getenv("RUN") or 1)
local REPEATS, RECENT = 0.05, 256
local STEPS = {
    { type = "BASE_ENTRY", position = "Long_1" },
    { type = "PYRAMID", position = "Long_2" },
    { type = "PYRAMID", position = "Long_3" },
    { type = "PYRAMID", position = "Long_4" },
    { type = "EXIT", position = "ALL" },
}
local HEAD = "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    .. "Content-Length: %d\r\n\r\n%s"
local BODY = '{"instrument":"INST%04d","signal_type":"%s","position":"%s","price":%.2f,'
    .. '"timestamp":"%s"}'

local recent, thread = {}, nil
sent, repeated = 0, 0 -- globals: done() asks the thread for them

function setup(it)
    thread = it
end

function init()
    math.randomseed(RUN)
end

function request()
    if sent > RECENT and math.random() < REPEATS then
        repeated = repeated + 1
        return recent[(sent - math.random(1, 200)) % RECENT]
    end
    local round, which = math.floor(sent / N), sent % N
    local step = STEPS[round % #STEPS + 1]
    local at = os.date("!%Y-%m-%dT%H:%M:%SZ", 1500000000 + RUN * 20000 + round)
    local price = 100 + (round % #STEPS) * 0.5 + (which % 7) * 0.01
    local body = BODY:format(OFFSET + which, step.type, step.position, price, at)
    local text = HEAD:format(TARGET, #body, body)
    sent = sent + 1
    recent[sent % RECENT] = text
    return text
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.timeout
    io.write(("JSON " .. '{"requests":%d,"seconds":%.4f,"p50_ms":%.3f,"p99_ms":%.3f,'
        .. '"max_ms":%.3f,"unique":%d,"repeated":%d,"errors":%d,"refused":%d}\n'):format(
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000,
        latency:percentile(99) / 1000, latency.max / 1000, thread:get("sent"),
        thread:get("repeated"), failed, errors.status))
end
