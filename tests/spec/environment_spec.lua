-- strategies/ENVIRONMENT.md is written from the environment itself; what editors and luacheck are
-- told must say the same.
local function read(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
end

local page = read("strategies/ENVIRONMENT.md")

local t = require "tidelock.testing"

-- The names of one line of the page: "- **ta.**: `adx` ...".
local function names_of(title)
    local list = page:match("\n%- %*%*" .. title:gsub("%p", "%%%0") .. "%*%*:(.-)\n[-\n]")
    assert(list, title)
    local names = {}
    for name in list:gmatch("`([^`]+)`") do names[name] = true end
    return names
end

local globals = {}
for _, title in ipairs{ "functions", "libraries", "records", "texts" } do
    for name in pairs(names_of(title)) do globals[name] = true end
end

local function sorted(set)
    local list = {}
    for name in pairs(set) do list[#list + 1] = name end
    table.sort(list)
    return list
end

describe("luacheck's list", function()
    local config = {}
    local chunk = setfenv(assert(loadfile(".luacheckrc")), config)
    config.files = setmetatable({}, { __newindex = rawset })
    config.stds = {}
    chunk()
    local given = config.stds.policy.read_globals

    it("has the globals of policies and no other", function()
        local names = {}
        for key, value in pairs(given) do
            names[type(key) == "number" and value or key] = true
        end
        assert.are.same(sorted(globals), sorted(names))
    end)

    it("has the members of their libraries and no other", function()
        for library in pairs(names_of("libraries")) do
            local names = {}
            for name in pairs(given[library].fields) do names[name] = true end
            assert.are.same(sorted(names_of(library .. ".")), sorted(names), library)
        end
    end)
end)

describe("the editors' annotations", function()
    local meta = read("lua/tidelock.d.lua")
    local has = {}
    for name in meta:gmatch("\nfunction ([%w_.:]+)") do has[name] = true end
    for name in meta:gmatch("\n([%w_.]+) = ") do has[name] = true end

    -- What an editor knows of Lua 5.1 itself needs no annotation.
    local plain = { string = true, table = true, math = true, bit = true }

    it("know every function and method of the host's", function()
        local missing = {}
        for name in pairs(globals) do
            if not has[name] and _G[name] == nil then missing[#missing + 1] = name end
        end
        for library in pairs(names_of("libraries")) do
            for name in pairs(plain[library] and {} or names_of(library .. ".")) do
                name = library .. "." .. name
                if not has[name] then missing[#missing + 1] = name end
            end
        end
        for name in pairs(names_of("decimal:")) do
            if not has["decimal_methods:" .. name] then
                missing[#missing + 1] = "decimal:" .. name
            end
        end
        for name in pairs(names_of("require tidelock.rules.")) do
            if not has["rules." .. name] then missing[#missing + 1] = "tidelock.rules." .. name end
        end
        for name in pairs(names_of("indicator:")) do
            if not has["indicator_methods:" .. name] then
                missing[#missing + 1] = "indicator:" .. name
            end
        end
        table.sort(missing)
        assert.are.same({}, missing)
    end)

    it("know nothing that is not there", function()
        local groups = {
            decimal_methods = names_of("decimal:"),
            indicator_methods = names_of("indicator:"),
            rules = names_of("require tidelock.rules."),
        }
        local extra = {}
        for name in pairs(has) do
            local base, divider, member = name:match("^([%w_]+)([.:])([%w_]+)$")
            local known
            if groups[base] then known = groups[base][member]
            elseif divider then known = globals[base] and names_of(base .. ".")[member]
            else known = globals[name] end
            if not known then extra[#extra + 1] = name end
        end
        table.sort(extra)
        assert.are.same({}, extra)
    end)

    it("know every field of the facts", function()
        local fields = {}
        for name in meta:gmatch("%-%-%-@field ([%w_]+)%??%s") do fields[name] = true end
        for path in page:gmatch("\n| `([%w_%.%[%]]+)` | %l+ |") do
            local field = path:match("([%w_]+)$")
            assert.is_true(fields[field], path)
        end
    end)
end)

describe("a strategy that is refused", function()
    local head = "local function size(f) return { quantity = 1 } end\n"
    local tail = "return { name = 'demo', version = '1', instruments = '*', size = size }"

    local function report_of(text)
        local ok, s, report = pcall(t.text, "demo", head .. text .. tail)
        return tostring(ok and report or s)
    end

    it("is told what to use instead of what plain Lua has", function()
        local report = report_of("local function late(f) return os.time() - f.now end\n" ..
            "local function seed() math.randomseed(1) end\n")
        local said = report:find("strategy.lua:2: 'os.time' is not available: f.now", 1, true)
        assert.is_truthy(said, report)
        assert.is_truthy(report:find("strategy.lua:3: 'math.randomseed'", 1, true), report)
    end)

    it("is shown the line and who called it", function()
        local report = report_of("local function inner(t)\n    return t.a.b\nend\n" ..
            "local function outer() return inner{} + 1 end\nlocal x = outer()\n")
        assert.is_truthy(report:find("strategy.lua:3: attempt to index field 'a'", 1, true), report)
        assert.is_truthy(report:find("| return t.a.b", 1, true), report)
        assert.is_truthy(report:find("strategy.lua:5 in outer", 1, true), report)
    end)
end)
