-- Answers in capitals.
return {
    on_event = function(text)
        return text:upper() .. "!"
    end,
}
