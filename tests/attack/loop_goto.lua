-- expect: killed
-- an endless goto
::again:: goto again
