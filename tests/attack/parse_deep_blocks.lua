-- expect: syntax
-- blocks in blocks
do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do do do do do do do do do do do do do
    do do do do do do do do do do do do do do do do do do end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
    end end end end end end end end end end end end end end end end end end end end end end end
