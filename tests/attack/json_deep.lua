-- expect: error
-- json nested without end
json.decode(("["):rep(100000))
