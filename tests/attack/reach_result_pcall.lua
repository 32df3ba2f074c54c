-- expect: ok error
-- the host calls pcall itself with its facts
return pcall
