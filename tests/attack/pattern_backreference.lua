-- expect: error killed
-- long back references
("a"):rep(100000):match("^(a*)(a*)%1%2b")
