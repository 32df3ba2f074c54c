-- expect: error killed
-- back references to half a text
local s = ("x"):rep(400000) s:find("^(x*)%1%1%1%1y")
