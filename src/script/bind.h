/* How a room above gives scripts C functions and types: the one place where Lua's own types are
 * part of an interface.
 *
 *   static int atr(lua_State *L) {
 *       struct indicators *host = bind_host(L);
 *       const struct sandbox_record *bars = bind_check_record(L, 1);
 *       bind_charge(L, sandbox_count(bars));   // before work that grows with its input
 *       bind_push_decimal(L, indicators_atr(host, bars));
 *       return 1;
 *   }
 *   static const struct bind_function rows[] = {{"atr", atr, "(bars: bar[]): decimal"}};
 *   bind_library(box, "ta", rows, 1, indicators);
 *
 * Rules for a binding: it may raise (luaL_error, the bind_check functions), which jumps over its
 * frames, so it holds no lock and no memory of its own while it calls Lua's API; it never blocks;
 * it never calls back into Lua; it charges for work that is not O(small); it has no side effects
 * that may not be lost or repeated, since the call may be killed afterwards. Errors name argument
 * and cure. */
#ifndef TIDELOCK_SCRIPT_BIND_H
#define TIDELOCK_SCRIPT_BIND_H
#include "base/decimal.h"
#include "script/sandbox.h"

#include <lauxlib.h>
#include <lua.h>

/* `about` is what editors are told: "(length: integer, step?: number): decimal", and sentences in
 * the lines behind it. Parameters are divided by ", ", so no type holds that. There is no row
 * without it, but for plain Lua's and for metamethods that editors do not know. Rows live as long
 * as the box. */
struct bind_function {
    const char *name;
    lua_CFunction call; /* NULL: a value; `about` is then its type */
    const char *about;
};

/* Every table of rows that scripts were given, newest first. */
enum bind_place { BIND_GLOBALS, BIND_LIBRARY, BIND_MODULE, BIND_TYPE };
struct bind_told {
    const struct bind_told *next;
    enum bind_place place;
    const char *name, *about; /* NULL: none */
    const struct bind_function *rows;
    size_t count;
};
const struct bind_told *bind_told(const struct sandbox *box);
/* Notes the rows; the calls below do it themselves. */
void bind_tell(struct sandbox *box, enum bind_place place, const char *name,
               const struct bind_function *rows, size_t count);
/* Sentences about the library or type told last. */
void bind_about(struct sandbox *box, const char *about);

/* A frozen global table of functions (or, with name NULL, globals); each is a closure whose upvalue
 * 1 is `host`. Before sandbox_seal. */
void bind_library(struct sandbox *box, const char *name, const struct bind_function *rows,
                  size_t count, void *host);
/* Makes the table `require`-able instead of global. */
void bind_module(struct sandbox *box, const char *name, const struct bind_function *rows,
                 size_t count, void *host);
static inline void *bind_host(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }
struct sandbox *bind_sandbox(lua_State *L);
/* For set-up that the calls above do not cover; what it puts into Lua must obey the rules. Not
 * while a call runs. */
lua_State *bind_state(struct sandbox *box);

/* Uses up budget; raises the kill when it is gone. Cheap: call it with the number of elements
 * before (or every thousand during) a loop. */
void bind_charge(lua_State *L, uint64_t steps);

/* Decimals. bind_decimal takes a decimal, an integral number up to 2^53, or a number whose shortest
 * text says exactly what it is; false for anything else. bind_check_decimal raises "argument 2 must
 * be a decimal or a whole number, got nil". */
bool bind_decimal(lua_State *L, int index, struct decimal *out);
struct decimal bind_check_decimal(lua_State *L, int index);
/* Raises when the value is bad (overflow, division by zero). */
void bind_push_decimal(lua_State *L, struct decimal value);
/* nil and absent give the fallback. */
struct decimal bind_option_decimal(lua_State *L, int index, struct decimal fallback);
/* Integral and in range; else raises. */
int64_t bind_check_integer(lua_State *L, int index, int64_t least, int64_t most);

/* Frozen records as arguments, read by field number (see sandbox.h). bind_record gives NULL for
 * anything else. */
struct sandbox_record *bind_record(lua_State *L, int index);
struct sandbox_record *bind_check_record(lua_State *L, int index);
/* A field of kind DECIMAL or INTEGER; false: nil. */
bool bind_record_decimal(const struct sandbox_record *record, uint32_t field, struct decimal *out);
const char *bind_record_text(const struct sandbox_record *record, uint32_t field); /* NULL: nil */
void bind_push_record(lua_State *L, const struct sandbox_record *record);

/* Host objects: userdata of a registered type. Scripts see methods and nothing else; metamethods
 * are rows whose name starts with "__" (__gc is refused: hooks do not run in it; keep what needs
 * freeing in the host). Every userdata that a script can reach must be made by bind_new, because
 * the room tells its own by their first word; light userdata is never handed to scripts. */
struct bind_type;
const struct bind_type *bind_type(struct sandbox *box, const char *name,
                                  const struct bind_function *methods, size_t count, void *host);
/* Pushes a new object: zeroed, on a multiple of 8 bytes. */
void *bind_new(lua_State *L, const struct bind_type *type, size_t size);
/* Raises when it is something else. */
void *bind_check(lua_State *L, int index, const struct bind_type *type);
#endif
