-- expect: ok
-- nothing that should be absent is there
assert(not pcall(function() return io end)) assert(not pcall(function() return os end))
assert(not pcall(function() return debug end)) assert(not pcall(function() return package end))
assert(not pcall(function() return jit end)) assert(not pcall(function() return ffi end))
assert(not pcall(function() return load end)) assert(not pcall(function() return loadstring end))
assert(not pcall(function() return loadfile end)) assert(not pcall(function() return dofile end))
assert(not pcall(function() return getfenv end)) assert(not pcall(function() return setfenv end))
assert(not pcall(function() return newproxy end)) assert(not pcall(function() return
    collectgarbage end))
assert(not pcall(function() return gcinfo end)) assert(not pcall(function() return module end))
assert(not pcall(function() return coroutine end)) assert(not pcall(function() return xpcall end))
assert(not pcall(function() return _G end))
