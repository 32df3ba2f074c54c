-- expect: error killed
-- a back reference tried at every place
("ab"):rep(20000):find("(.-)%1%1%1c")
