-- expect: killed
-- an endless repeat
repeat until false
