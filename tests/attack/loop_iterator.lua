-- expect: killed
-- a for loop whose iterator never ends
for x in function() return 1 end do end
