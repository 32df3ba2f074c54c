"""The sandbox from another language: Python's ctypes over the C ABI, nothing compiled.

    python3 quote.py [path of libtidelock-script.so.0]

Exact numbers cross as digits. __int128 has no ctypes type, so struct sandbox_value spells it as
sixteen aligned bytes that nobody touches here.
"""
import ctypes as c
import sys
from decimal import Decimal

NIL, BOOLEAN, INTEGER, NUMBER, DECIMAL, TEXT = range(6)


class Value(c.Structure):
    _fields_ = [("type", c.c_int), ("boolean", c.c_bool), ("slot", c.c_int),
                ("integer", c.c_int64), ("number", c.c_double), ("units", c.c_uint64 * 2),
                ("text", c.c_void_p), ("length", c.c_size_t)]


class Limits(c.Structure):
    _fields_ = [("memory_bytes", c.c_size_t), ("instructions", c.c_uint64),
                ("wall_ms", c.c_uint32), ("output_bytes", c.c_size_t), ("depth", c.c_uint32),
                ("source_bytes", c.c_size_t), ("seed", c.c_uint64)]


class Failure(c.Structure):
    _fields_ = [("end", c.c_int), ("text", c.c_char * 512), ("file", c.c_char * 128),
                ("line", c.c_int), ("source", c.c_char * 200), ("trace", c.c_char * 1024)]


Function = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.c_void_p)


def declare(lib):
    box, value = c.c_void_p, c.POINTER(Value)
    for name, result, arguments in [
            ("new", box, [c.POINTER(Limits)]), ("free", None, [box]), ("seal", None, [box]),
            ("load", c.c_bool, [box, c.c_char_p, c.c_size_t, c.c_char_p, c.POINTER(c.c_int)]),
            ("find", c.c_int, [box, c.c_int, c.c_char_p]), ("start", None, [box, c.c_int]),
            ("push_integer", None, [box, c.c_int64]), ("run", c.c_bool, [box]),
            ("push_decimal_text", c.c_bool, [box, c.c_char_p]),
            ("result", None, [box, c.c_uint, value]), ("failure", c.POINTER(Failure), [box]),
            ("value_digits", c.c_bool, [value, c.c_char_p]),
            ("set_function", c.c_bool, [box, c.c_char_p, Function, c.c_void_p]),
            ("argument", None, [c.c_void_p, c.c_uint, value]),
            ("answer", None, [c.c_void_p, value])]:
        function = getattr(lib, "sandbox_" + name)
        function.restype, function.argtypes = result, arguments
    return lib


class Sandbox:
    """One box: load a module, call its functions with int and Decimal, get plain values."""

    def __init__(self, lib, **limits):
        self.lib, self.keep = lib, []
        self.box = lib.sandbox_new(c.byref(Limits(**limits)))

    def fail(self):
        raise RuntimeError(self.lib.sandbox_failure(self.box).contents.text.decode())

    def define(self, name, function):
        @Function
        def call(_, call):
            argument, answer = Value(), Value(type=INTEGER)
            self.lib.sandbox_argument(call, 0, argument)
            answer.integer = function(self.read(argument))
            self.lib.sandbox_answer(call, answer)
            return True
        self.keep.append(call)  # the library has only its address
        self.lib.sandbox_set_function(self.box, name.encode(), call, None) or self.fail()

    def load(self, text, chunk):
        module = c.c_int()
        data = text.encode()
        self.lib.sandbox_load(self.box, data, len(data), chunk.encode(), module) or self.fail()
        self.lib.sandbox_seal(self.box)
        return module.value

    def read(self, value):
        if value.type == TEXT:
            return c.string_at(value.text, value.length).decode()
        if value.type in (INTEGER, DECIMAL, NUMBER):
            digits = c.create_string_buffer(48)
            if self.lib.sandbox_value_digits(value, digits):
                return Decimal(digits.value.decode())
            return value.number
        return value.boolean if value.type == BOOLEAN else None

    def call(self, function, *arguments):
        self.lib.sandbox_start(self.box, function)
        for argument in arguments:
            if isinstance(argument, int):
                self.lib.sandbox_push_integer(self.box, argument)
            else:
                text = str(argument).encode()
                self.lib.sandbox_push_decimal_text(self.box, text) or self.fail()
        self.lib.sandbox_run(self.box) or self.fail()
        value = Value()
        self.lib.sandbox_result(self.box, 0, value)
        return self.read(value)

    def close(self):
        self.lib.sandbox_free(self.box)


RULES = """
local function total(price, count)
    return price * count + fees.of("tea")
end
return { total = total, loop = function() while true do end end }
"""


def main():
    lib = declare(c.CDLL(sys.argv[1] if len(sys.argv) > 1 else "libtidelock-script.so.0"))
    box = Sandbox(lib, memory_bytes=1 << 20, instructions=20000, wall_ms=1000)
    box.define("fees.of", len)
    module = box.load(RULES, "rules.lua")
    total = lib.sandbox_find(box.box, module, b"total")
    print("total", box.call(total, Decimal("19.99"), 3))
    try:
        box.call(lib.sandbox_find(box.box, module, b"loop"))
    except RuntimeError as error:
        print("stopped:", error)
    print("total", box.call(total, Decimal("0.01"), 1))
    box.close()


if __name__ == "__main__":
    main()
