-- expect: error
-- the host calls sort itself with its facts
return table.sort
