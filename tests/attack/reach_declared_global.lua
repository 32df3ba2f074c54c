-- expect: ok error
-- globals stay in the box that set them
leak = {} leak.self = leak leak[1] = print return function() return leak end
