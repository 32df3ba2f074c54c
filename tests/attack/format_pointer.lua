-- expect: error
-- %p
("%p"):format({})
