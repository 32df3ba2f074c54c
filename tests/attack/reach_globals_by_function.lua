-- expect: ok
-- functions have no environment to take
for _, f in ipairs({pcall, print, require, function() end}) do
    assert(not pcall(function() return getfenv(f) end)) assert(not pcall(function() return f.x
    end))
end
