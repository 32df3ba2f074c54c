-- expect: ok error
-- the host calls unpack itself with its facts
return unpack
