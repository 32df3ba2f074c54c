-- expect: killed
-- gmatch for ever over a text
while true do for w in ("a b c"):gmatch("%a") do end end
