/* Exact numbers in Lua: the type `decimal`, a count of 10^-12 in 128 bits.
 *
 * A Lua number joins in when it is exact beyond doubt: integral up to 2^53, or such that its
 * shortest decimal text (15 digits) is that very number, as 0.5 and 1.02 are and 0.1 + 0.2 is not.
 * Everything else is refused with the cure. The interpreter compares values of different types by
 * itself, before any metamethod: `price < 5` is an error there and `price == 5` is false; lt, eq
 * and so on are methods for that. */
#include "script/inner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef decimal_units packed_units
    __attribute__((aligned(8))); /* Lua's blocks are on multiples of 8 */

struct boxed {
    const struct tag *tag;
    packed_units units;
};
_Static_assert(sizeof(struct boxed) == 24, "a decimal in Lua is three words");

const struct tag number_decimal_tag = {"decimal"};
static const decimal_units one = 1000000000000;

#define META lua_upvalueindex(1)

static inline struct boxed *boxed_at(lua_State *L, int index) {
    struct boxed *boxed = lua_touserdata(L, index);
    return boxed && boxed->tag == &number_decimal_tag ? boxed : NULL;
}

/* The shortest text of 15 digits is what an author would have written. It says what the number is
 * when no other double is nearer to it: the difference, taken with 64 bits of precision, is at most
 * half a step. */
static bool from_fraction(double value, decimal_units *out) {
    double millionths = rint(value * 1e6); /* most constants: nearest to a whole number of 10^-6 */
    if (fabs(millionths) < 1e15 && millionths / 1e6 == value) {
        *out = (decimal_units)(int64_t)millionths * 1000000;
        return true;
    }
    char text[40];
    struct decimal decimal;
    if (!isfinite(value) || fabs(value) >= 1e15) return false;
    int length = snprintf(text, sizeof text, "%.15g", value);
    if (length <= 0 || !decimal_parse(text, (size_t)length, &decimal, NULL)) return false;
    double step = nextafter(fabs(value), INFINITY) - fabs(value);
    if (fabsl((long double)decimal.units / 1e12L - (long double)value) > (long double)step / 2)
        return false;
    *out = decimal.units;
    return true;
}

bool number_from_double(double value, sandbox_units *out) {
    if (fabs(value) <= INNER_EXACT_MOST && value == (double)(int64_t)value) {
        *out = (decimal_units)(int64_t)value * one;
        return true;
    }
    return from_fraction(value, out);
}

bool bind_decimal(lua_State *L, int index, struct decimal *out) {
    const struct boxed *boxed = boxed_at(L, index);
    if (boxed) {
        out->units = boxed->units;
        return true;
    }
    return lua_type(L, index) == LUA_TNUMBER &&
           number_from_double(lua_tonumber(L, index), &out->units);
}

_Noreturn static void raise_operand(lua_State *L, int index, const char *role) {
    if (lua_type(L, index) == LUA_TNUMBER) {
        double value = lua_tonumber(L, index);
        char text[64];
        if (!isfinite(value)) {
            luaL_error(L, "%s is not a finite number", role);
        } else {
            snprintf(text, sizeof text, "%.17g", value);
            luaL_error(
                L, "%s %s is not exact: write decimal(\"...\") with its digits, or round it first",
                role, text);
        }
    }
    if (lua_type(L, index) == LUA_TSTRING)
        luaL_error(L, "%s is a text: write decimal(...) around it", role);
    const struct tag *tag = inner_tag(L, index);
    luaL_error(L, "%s must be a decimal or a whole number, got %s", role,
               lua_isnone(L, index) ? "nothing"
               : !tag               ? luaL_typename(L, index)
               : tag == &record_tag ? "a table"
                                    : tag->name);
    __builtin_unreachable();
}

struct decimal bind_check_decimal(lua_State *L, int index) {
    struct decimal value;
    if (!bind_decimal(L, index, &value)) {
        char role[32];
        snprintf(role, sizeof role, "argument %d", index);
        raise_operand(L, index, role);
    }
    return value;
}

struct decimal bind_option_decimal(lua_State *L, int index, struct decimal fallback) {
    return lua_isnoneornil(L, index) ? fallback : bind_check_decimal(L, index);
}

int64_t bind_check_integer(lua_State *L, int index, int64_t least, int64_t most) {
    struct decimal value;
    double plain = lua_tonumber(L, index);
    int64_t number = (int64_t)plain;
    bool is_plain = number < INT32_MAX && number > INT32_MIN && (double)number == plain &&
                    lua_type(L, index) == LUA_TNUMBER;
    if (!is_plain && (!bind_decimal(L, index, &value) || !decimal_to_int(value, &number)))
        return luaL_error(L, "argument %d must be a whole number, got %s", index,
                          luaL_typename(L, index));
    if (number < least || number > most)
        return luaL_error(L, "argument %d must be from %f to %f", index, (double)least,
                          (double)most);
    return number;
}

int number_push(lua_State *L, struct decimal value, int meta) {
    if (__builtin_expect(!decimal_ok(value), 0)) luaL_error(L, "a decimal became too large");
    struct boxed *boxed = lua_newuserdata(L, sizeof *boxed);
    boxed->tag = &number_decimal_tag;
    boxed->units = value.units;
    lua_pushvalue(L, meta);
    lua_setmetatable(L, -2);
    return 1;
}

void bind_push_decimal(lua_State *L, struct decimal value) {
    if (!decimal_ok(value)) luaL_error(L, "a decimal became too large, or was divided by zero");
    struct boxed *boxed = lua_newuserdata(L, sizeof *boxed);
    boxed->tag = &number_decimal_tag;
    boxed->units = value.units;
    lua_rawgeti(L, LUA_REGISTRYINDEX, inner_box(L)->decimal_meta_ref);
    lua_setmetatable(L, -2);
}

static inline struct decimal operand(lua_State *L, int index) {
    struct decimal value;
    const struct boxed *boxed = boxed_at(L, index);
    if (__builtin_expect(boxed != NULL, 1)) return (struct decimal){boxed->units};
    if (!bind_decimal(L, index, &value)) raise_operand(L, index, "the number");
    return value;
}

static int add(lua_State *L) {
    return number_push(L, decimal_add(operand(L, 1), operand(L, 2)), META);
}
static int subtract(lua_State *L) {
    return number_push(L, decimal_sub(operand(L, 1), operand(L, 2)), META);
}
static int multiply(lua_State *L) {
    return number_push(L, decimal_mul(operand(L, 1), operand(L, 2)), META);
}
static int negate(lua_State *L) { return number_push(L, decimal_neg(operand(L, 1)), META); }
static int absolute(lua_State *L) { return number_push(L, decimal_abs(operand(L, 1)), META); }

static struct decimal divisor(lua_State *L, int index) {
    struct decimal value = operand(L, index);
    if (decimal_is_zero(value)) luaL_error(L, "division by zero");
    return value;
}

static int divide(lua_State *L) {
    return number_push(L, decimal_div(operand(L, 1), divisor(L, 2), DECIMAL_HALF_EVEN), META);
}

/* As Lua's %: the sign of the divisor. */
static int modulo(lua_State *L) {
    struct decimal a = operand(L, 1), b = divisor(L, 2);
    decimal_units rest = a.units % b.units;
    if (rest != 0 && (rest < 0) != (b.units < 0)) rest += b.units;
    return number_push(L, (struct decimal){rest}, META);
}

static int equal(lua_State *L) {
    struct decimal a, b;
    lua_pushboolean(L, bind_decimal(L, 1, &a) && bind_decimal(L, 2, &b) && a.units == b.units);
    return 1;
}

#define COMPARISON(name, operator)                                                                 \
    static int name(lua_State *L) {                                                                \
        lua_pushboolean(L, operand(L, 1).units operator operand(L, 2).units);                      \
        return 1;                                                                                  \
    }
COMPARISON(less, <)
COMPARISON(less_equal, <=)
COMPARISON(greater, >)
COMPARISON(greater_equal, >=)

static int compare(lua_State *L) {
    lua_pushinteger(L, decimal_cmp(operand(L, 1), operand(L, 2)));
    return 1;
}

static int sign(lua_State *L) {
    lua_pushinteger(L, decimal_sign(operand(L, 1)));
    return 1;
}

static int is_zero(lua_State *L) {
    lua_pushboolean(L, decimal_is_zero(operand(L, 1)));
    return 1;
}

static int to_text(lua_State *L) {
    char text[DECIMAL_TEXT_MAX];
    lua_pushlstring(L, text, decimal_print(operand(L, 1), text));
    return 1;
}

static int concatenate(lua_State *L) {
    for (int i = 1; i <= 2; i++) {
        int type = lua_type(L, i);
        if (type != LUA_TSTRING && type != LUA_TNUMBER && !boxed_at(L, i))
            return luaL_error(L, "attempt to concatenate a %s value", luaL_typename(L, i));
    }
    lib_base_text(L, 1, NULL);
    lib_base_text(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

static enum decimal_rounding rounding_at(lua_State *L, int index) {
    static const char *const names[] = {"half_even", "down", "floor", "ceiling", NULL};
    static const enum decimal_rounding modes[] = {DECIMAL_HALF_EVEN, DECIMAL_DOWN, DECIMAL_FLOOR,
                                                  DECIMAL_CEILING};
    if (lua_isnoneornil(L, index)) return DECIMAL_HALF_EVEN;
    const char *name = luaL_checkstring(L, index);
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return modes[i];
    return (enum decimal_rounding)luaL_error(
        L, "argument %d: rounding is half_even, down, floor or ceiling, not '%s'", index, name);
}

static int round_to(lua_State *L, enum decimal_rounding rounding) {
    struct decimal step = bind_option_decimal(L, 2, (struct decimal){one});
    if (decimal_sign(step) <= 0) return luaL_error(L, "the step to round to must be above zero");
    return number_push(L, decimal_round(operand(L, 1), step, rounding), META);
}

static int round_nearest(lua_State *L) { return round_to(L, rounding_at(L, 3)); }
static int round_floor(lua_State *L) { return round_to(L, DECIMAL_FLOOR); }
static int round_ceiling(lua_State *L) { return round_to(L, DECIMAL_CEILING); }
static int round_down(lua_State *L) { return round_to(L, DECIMAL_DOWN); }

static int divide_rounded(lua_State *L) {
    return number_push(L, decimal_div(operand(L, 1), divisor(L, 2), rounding_at(L, 3)), META);
}

static int extreme(lua_State *L, bool largest) {
    struct decimal best = operand(L, 1);
    int count = lua_gettop(L);
    for (int i = 2; i <= count; i++) {
        struct decimal other = operand(L, i);
        best = largest ? decimal_max(best, other) : decimal_min(best, other);
    }
    return number_push(L, best, META);
}

static int smallest(lua_State *L) { return extreme(L, false); }
static int largest(lua_State *L) { return extreme(L, true); }

static int multiply_divide(lua_State *L) {
    return number_push(L, decimal_muldiv(operand(L, 1), operand(L, 2), divisor(L, 3)), META);
}

static int square_root(lua_State *L) {
    struct decimal value = operand(L, 1);
    if (decimal_sign(value) < 0) return luaL_error(L, "square root of a negative number");
    return number_push(L, decimal_sqrt(value), META);
}

static int to_integer(lua_State *L) {
    int64_t value;
    if (!decimal_to_int(operand(L, 1), &value) || value > (int64_t)INNER_EXACT_MOST ||
        value < -(int64_t)INNER_EXACT_MOST) {
        char text[DECIMAL_TEXT_MAX];
        decimal_print(operand(L, 1), text);
        return luaL_error(L, "%s is not a whole number that Lua can hold: round it first", text);
    }
    lua_pushnumber(L, (double)value);
    return 1;
}

static int to_number(lua_State *L) {
    lua_pushnumber(L, decimal_to_double(operand(L, 1)));
    return 1;
}

/* decimal("1.25"), decimal(3), decimal(d); called through the library's view, so argument 1 is that
 * view. */
static int construct(lua_State *L) {
    struct decimal value;
    lua_remove(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING) {
        size_t length;
        const char *text = lua_tolstring(L, 1, &length);
        struct err err;
        if (!decimal_parse(text, length, &value, &err)) return luaL_error(L, "%s", err.text);
        return number_push(L, value, META);
    }
    if (boxed_at(L, 1)) {
        lua_settop(L, 1);
        return 1;
    }
    if (!bind_decimal(L, 1, &value)) raise_operand(L, 1, "the number");
    return number_push(L, value, META);
}

static int is_decimal(lua_State *L) {
    lua_pushboolean(L, boxed_at(L, 1) != NULL);
    return 1;
}

static int read_only(lua_State *L) { return luaL_error(L, "a decimal cannot be changed"); }

#define ROUNDING "'half_even'|'down'|'floor'|'ceiling'"
/* Operators, and methods: the library has these as functions. */
static const struct bind_function members[] = {
    {"__add", add, "(decimal|number): decimal"},
    {"__sub", subtract, "(decimal|number): decimal"},
    {"__mul", multiply, "(decimal|number): decimal"},
    {"__div", divide, "(decimal|number): decimal"},
    {"__mod", modulo, "(decimal|number): decimal"},
    {"__unm", negate, ": decimal"},
    {"__eq", equal, NULL},
    {"__lt", less, NULL},
    {"__le", less_equal, NULL},
    {"__tostring", to_text, NULL},
    {"__concat", concatenate, NULL},
    {"__newindex", read_only, NULL},
    {"abs", absolute, "(): decimal"},
    {"ceil", round_ceiling, "(step?: decimal|number): decimal"},
    {"cmp", compare,
     "(other: decimal|number): -1|0|1\n"
     "-1 when it is less than the other, 0 when equal, 1 when more."},
    {"div", divide_rounded,
     "(by: decimal|number, rounding?: " ROUNDING "): decimal\n"
     "self / by, rounded half to even at the twelfth place."},
    {"eq", equal, "(other: decimal|number): boolean"},
    {"floor", round_floor,
     "(step?: decimal|number): decimal\n"
     "To a multiple of `step` (default 1), towards minus infinity."},
    {"ge", greater_equal, "(other: decimal|number): boolean"},
    {"gt", greater, "(other: decimal|number): boolean"},
    {"int", to_integer,
     "(): integer\n"
     "As a Lua number; an error unless it is whole."},
    {"is_zero", is_zero, "(): boolean"},
    {"le", less_equal, "(other: decimal|number): boolean"},
    {"lt", less, "(other: decimal|number): boolean"},
    {"max", largest,
     "(...: decimal|number): decimal\n"
     "The largest of all."},
    {"min", smallest,
     "(...: decimal|number): decimal\n"
     "The smallest of all."},
    {"muldiv", multiply_divide,
     "(by: decimal|number, over: decimal|number): decimal\n"
     "self · by / over with one rounding."},
    {"number", to_number,
     "(): number\n"
     "As the nearest Lua number: for display, never back into money."},
    {"round", round_nearest,
     "(step?: decimal|number, rounding?: " ROUNDING "): decimal\n"
     "Half to even, unless told otherwise."},
    {"sign", sign, "(): -1|0|1"},
    {"sqrt", square_root, "(): decimal"},
    {"trunc", round_down,
     "(step?: decimal|number): decimal\n"
     "Towards zero."},
};

static const struct bind_function functions[] = {
    {"is", is_decimal, "(value: any): boolean"},
};

static void set_rows(lua_State *L, int meta, bool operators) {
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if ((strncmp(members[i].name, "__", 2) == 0) != operators) continue;
        lua_pushvalue(L, meta);
        lua_pushcclosure(L, members[i].call, 1);
        lua_setfield(L, -2, members[i].name);
    }
}

/* For editors: what number_open opens. */
static void tell(struct sandbox *box) {
    bind_tell(box, BIND_TYPE, "decimal", members, sizeof members / sizeof *members);
    bind_about(box, "An exact decimal number: 12 places, about 26 digits before the point. "
                    "Arithmetic takes decimals\nand exact Lua numbers; `<`, `<=`, `==` work "
                    "between two decimals only (else :lt, :eq ...).");
    bind_tell(box, BIND_LIBRARY, "decimal", functions, sizeof functions / sizeof *functions);
    bind_about(box, "decimal(\"0.05\"), decimal(3). Every method is a function here, too: "
                    "decimal.min(a, b).");
}

void number_open(struct sandbox *box) {
    lua_State *L = box->L;
    tell(box);
    lua_newtable(L);
    int meta = lua_gettop(L);
    set_rows(L, meta, true);
    lua_pushliteral(L, "decimal");
    lua_setfield(L, meta, "__metatable");
    lua_newtable(L);
    set_rows(L, meta, false);
    lua_setfield(L, meta, "__index");
    lua_newtable(L); /* the library: the methods as functions, and is() */
    set_rows(L, meta, false);
    lua_pushcfunction(L, functions[0].call);
    lua_setfield(L, -2, functions[0].name);
    scope_freeze(L, "decimal");
    lua_getmetatable(L, -1);
    lua_pushvalue(L, meta);
    lua_pushcclosure(L, construct, 1);
    lua_setfield(L, -2, "__call");
    lua_pop(L, 1);
    scope_set(box, "decimal");
    box->decimal_meta_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}
