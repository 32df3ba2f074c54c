-- expect: error
-- the host calls require itself with its facts
return require
