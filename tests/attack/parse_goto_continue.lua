-- expect: killed
-- a jump back for ever
::top:: local x = 1 goto top
