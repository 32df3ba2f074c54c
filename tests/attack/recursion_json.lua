-- expect: error
-- tables nested deeper than json goes
local t = {} for i = 1, 2000 do t = {t} end json.encode(t)
