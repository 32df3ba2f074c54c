# Tidelock: build, run, test. One flat file; `make help` lists the targets.
#
# Everything made goes under build/. `make SAN=1 TARGET` does the same with AddressSanitizer and
# UBSan under build/asan, `make fuzz` with libFuzzer under build/fuzz; the trees never mix.

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
CONFIG  ?= examples/demo.lua
SEEDS   ?= 10000

B := build
ifeq ($(SAN),1)
B := build/asan
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif

# ---- flags -----------------------------------------------------------------------------------

# Flags that one compiler or one processor knows and another does not.
known = $(shell $(CC) -Werror $(1) -c -x c /dev/null -o /dev/null 2>/dev/null && echo $(1))

PACKAGES := libuv luajit hiredis libpq libcurl openssl libmicrohttpd sqlite3
ifeq ($(filter clean deps test-deps help,$(MAKECMDGOALS)),)
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
CC_FLAGS   := $(call known,-fcf-protection=full) $(call known,-ftrivial-auto-var-init=zero)
endif

# A sanitizer replaces the fortified functions and makes the compiler see ghosts of unset variables.
ifdef SAN_FLAGS
HARDEN := -O1 $(SAN_FLAGS)
else
HARDEN := -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-clash-protection
endif

CPPFLAGS += -D_GNU_SOURCE -DTIDELOCK_VERSION=\"$(VERSION)\" -Isrc -I$(B) $(PKG_CFLAGS)
CFLAGS   += -std=gnu11 -g -Wall -Wextra -Wshadow -Wconversion -Werror $(HARDEN) \
            -fstack-protector-strong -fno-delete-null-pointer-checks -fno-strict-overflow \
            -fno-strict-aliasing -fPIC -fno-semantic-interposition $(CC_FLAGS)
LDFLAGS  += $(SAN_FLAGS) -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
LDLIBS   += $(PKG_LIBS) -lwslay -llua5.1-cjson -lpthread -lm

# ---- what there is ---------------------------------------------------------------------------

LIB_SRC := $(sort $(filter-out src/main.c,$(wildcard src/*/*.c src/*.c)))
LIB_OBJ := $(LIB_SRC:src/%.c=$(B)/obj/%.o) $(B)/embed.o
LIB     := $(B)/libtidelock.a
SO      := $(B)/libtidelock.so

# The sandbox is a product of its own: its room and what it uses of the toolbox.
SCRIPT_OBJ  := $(patsubst src/%.c,$(B)/obj/%.o,$(sort $(wildcard src/script/*.c)) \
                 $(addprefix src/base/,chance.c decimal.c err.c mem.c str.c))
SCRIPT_LIB  := $(B)/libtidelock-script.a
SCRIPT_SO   := $(B)/libtidelock-script.so
SCRIPT_LIBS := $(shell pkg-config --libs luajit 2>/dev/null) -llua5.1-cjson -lm

# The Lua half, the migrations and the dashboard travel inside the binary.
EMBED := $(sort $(shell find lua -name '*.lua' ! -path '*/spec/*' 2>/dev/null; \
                        find sql -name '*.sql' 2>/dev/null; \
                        find src/serve/web -type f 2>/dev/null))

UNIT   := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
ATTACK := $(patsubst tests/attack/%.c,$(B)/tests/%,$(wildcard tests/attack/test_*.c))
BENCH  := $(patsubst tests/bench/%.c,$(B)/tests/%,$(wildcard tests/bench/bench_*.c))
FUZZ   := $(patsubst tests/fuzz/%.c,$(B)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
SPEC   := $(if $(wildcard tests/spec/native.c),$(B)/tidelock_test.so)
SIM    := $(if $(wildcard tests/sim/*.c),$(B)/tests/sim)

# ---- build -----------------------------------------------------------------------------------

.PHONY: all help deps test-deps run test tests unit spec model e2e attack sim soak fuzz fuzzers \
        bench bench-failover tidy asan tsan fresh install clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(B)/tidelock $(LIB) $(if $(SAN_FLAGS),,$(SO) $(SCRIPT_LIB) $(SCRIPT_SO))

help:
	@echo 'make            build build/tidelock, the libraries (libtidelock, -script)'
	@echo 'make run        install what is missing, build, start the demo on 127.0.0.1:8787'
	@echo 'make test       install what is missing, build, run every test (SAN=1: with sanitizers)'
	@echo 'make unit spec model attack e2e tidy    one suite alone'
	@echo 'make sim        the simulator over SEEDS=10000 seeds; SEED=n replays one'
	@echo 'make soak fuzz bench asan tsan          long runs; also bench-failover'
	@echo 'make fresh      both commands in a bare Debian root (needs root and debootstrap)'
	@echo 'make install    to PREFIX=/usr/local, under DESTDIR'

$(B)/tidelock: $(B)/obj/main.o $(LIB)
	@echo "  link  $@"
	@$(CC) $(LDFLAGS) -pie -o $@ $^ $(LDLIBS)

$(LIB): $(LIB_OBJ)
	@echo "  lib   $@"
	@rm -f $@
	@$(AR) rcs $@ $^

# Only the embedding API is visible in the shared library.
$(SO): $(LIB_OBJ)
	@echo "  lib   $@"
	@echo '{ global: tidelock_*; sandbox_*; local: *; };' > $(B)/exports
	@$(CC) $(LDFLAGS) -shared -Wl,-soname,libtidelock.so.0 -Wl,--version-script=$(B)/exports \
	    -o $@ $^ $(LDLIBS)
	@ln -sf $(@F) $@.0

$(SCRIPT_SO): $(SCRIPT_OBJ)
	@echo "  lib   $@"
	@echo '{ global: sandbox_*; local: *; };' > $(B)/exports-script
	@$(CC) $(LDFLAGS) -shared -Wl,-soname,$(@F).0 -Wl,--version-script=$(B)/exports-script \
	    -Wl,-z,defs -o $@ $^ $(SCRIPT_LIBS)
	@ln -sf $(@F) $@.0

# One object whose other names are local, so that they never meet the embedder's own.
$(SCRIPT_LIB): $(SCRIPT_OBJ)
	@echo "  lib   $@"
	@rm -f $@
	@ld -r -o $(B)/script.o $^
	@objcopy --wildcard --keep-global-symbol='sandbox_*' $(B)/script.o
	@$(AR) rcs $@ $(B)/script.o

$(B)/obj/%.o: src/%.c $(B)/flags
	@echo "  cc    $<"
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/embed.o: $(B)/embed.c
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# One table of files; the assembler copies their bytes in, so size costs no compile time.
# src/serve/web/x is known as web/x.
$(B)/embed.c: $(EMBED) $(B)/embed.list
	@echo "  embed $(words $(EMBED)) files"
	@{ echo '#include "base/embed.h"'; n=0; table=; \
	for file in $(EMBED); do \
	    printf '__asm__(".pushsection .rodata\\n.balign 16\\n.hidden embed_%d\\n' $$n; \
	    printf '.globl embed_%d\\nembed_%d:\\n.incbin ' $$n $$n; \
	    printf '\\"%s\\"\\n.byte 0\\n.popsection");\n' "$$file"; \
	    echo "extern const char embed_$$n[] __attribute__((visibility(\"hidden\")));"; \
	    table="$$table    {\"$${file#src/serve/}\", embed_$$n, $$(wc -c < "$$file")},\n"; \
	    n=$$((n + 1)); \
	done; \
	printf 'const struct embedded_file embedded_files[] = {\n%b    {0, 0, 0}};\n' "$$table"; \
	echo "const unsigned long embedded_count = $$n;"; } > $@

# Rewritten only when their content changes, so that other flags or other files rebuild.
$(B)/flags: FORCE
	@command -v pkg-config >/dev/null && pkg-config --exists $(PACKAGES) || \
	    { echo 'Libraries are missing: run "make deps" (as root) first.' >&2; exit 1; }
	@$(call keep,$(CC) $(CPPFLAGS) $(CFLAGS))
$(B)/embed.list: FORCE
	@$(call keep,$(EMBED))
keep = mkdir -p $(@D); text='$(subst ','\'',$(1))'; \
       [ "$$text" = "$$(cat $@ 2>/dev/null)" ] || printf '%s\n' "$$text" > $@

# ---- test programs ---------------------------------------------------------------------------

vpath %.c tests/unit tests/attack tests/bench
$(UNIT) $(ATTACK) $(BENCH): $(B)/tests/%: %.c $(LIB) $(B)/flags
	@echo "  test  $@"
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) -Itests $(CFLAGS) -MMD -MP $(LDFLAGS) -pie -o $@ $< $(LIB) -lcmocka $(LDLIBS)

# The host's policy room as a Lua module, so that specs run what production runs.
$(SPEC): tests/spec/native.c $(LIB) $(B)/flags
	@echo "  test  $@"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -shared -o $@ $< $(LIB) $(LDLIBS)

# The simulator has the stories compiled with their deliberate mistakes in, to prove it sees them.
SIM_OBJ := $(patsubst %.c,$(B)/sim/%.o,$(wildcard tests/sim/*.c src/flow/*.c))
$(SIM): $(SIM_OBJ) $(LIB)
	@echo "  test  $@"
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -pie -o $@ $^ $(LDLIBS)
$(B)/sim/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) -Itests -DTIDELOCK_MUTANTS $(CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZ): $(B)/tests/%: tests/fuzz/%.c $(LIB) $(B)/flags
	@echo "  fuzz  $@"
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) -Itests $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -pie -o $@ $< $(LIB) $(LDLIBS)

-include $(LIB_OBJ:.o=.d) $(B)/obj/main.d $(SIM_OBJ:.o=.d) \
    $(addsuffix .d,$(UNIT) $(ATTACK) $(BENCH))

tests: all $(UNIT) $(ATTACK) $(SPEC) $(SIM)

# ---- the two commands ------------------------------------------------------------------------

PARALLEL = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))

deps:
	@tests/deps build

test-deps:
	@tests/deps build test

# exec, so that Ctrl-C and the exit code belong to the host alone.
run: deps
	@$(MAKE) $(PARALLEL) --no-print-directory all
	@exec $(B)/tidelock run --config $(CONFIG)

test: test-deps
	@$(MAKE) $(PARALLEL) --no-print-directory tests
	@BUILD=$(B) tests/run

# ---- parts of the test run, and what takes longer --------------------------------------------

unit: $(UNIT)
spec: $(SPEC)
attack e2e: tests
tidy unit spec model attack e2e:
	@BUILD=$(B) tests/run $@/

sim: $(SIM)
	@$(SIM) $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

soak: tests
	@BUILD=$(B) tests/run soak/

asan:
	@$(MAKE) --no-print-directory test SAN=1

# The library's promise about threads, under a race detector.
tsan:
	@mkdir -p build/tsan
	@$(CC) $(CPPFLAGS) -std=gnu11 -g -O1 -fsanitize=thread $(SCRIPT_OBJ:$(B)/obj/%.o=src/%.c) \
	    tests/unit/test_script_embed.c $(SCRIPT_LIBS) -lcmocka -lpthread -o build/tsan/embed
	@build/tsan/embed

bench: all $(BENCH)
	@BUILD=$(B) tests/bench/run

# How long nobody acts when one of three hosts goes: RUNS=100 each.
bench-failover: all
	@BUILD=$(B) tests/bench/failover.py --runs $(or $(RUNS),100)

# A minute each; what they find is kept in build/fuzz/found and shown by the failing run.
fuzz:
	@tests/deps build fuzz
	@$(MAKE) $(PARALLEL) --no-print-directory fuzzers CC=clang B=build/fuzz \
	    SAN_FLAGS='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined'
fuzzers: $(FUZZ) $(B)/tests/test_hostile
	@mkdir -p $(B)/found
	@echo '== hostile programs'; $(B)/tests/test_hostile --programs $${PROGRAMS:-10000}
	@set -e; for program in $(FUZZ); do \
	    name=$${program##*/}; corpus=$(B)/corpus/$$name; mkdir -p $$corpus; \
	    echo "== $$name"; $$program -max_total_time=$${FUZZ_SECONDS:-60} -timeout=5 \
	    -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix=$(B)/found/$$name- $$corpus \
	    $$(ls -d tests/fuzz/corpus/$${name#fuzz_} 2>/dev/null); done

fresh:
	@tests/fresh

# ---- install ---------------------------------------------------------------------------------

D := $(DESTDIR)$(PREFIX)
describe = printf '%s\n' 'prefix=$(PREFIX)' 'Name: $(1)' 'Description: $(2)' \
    'Version: $(VERSION)' 'Cflags: -I$${prefix}/include' 'Libs: -L$${prefix}/lib -l$(1)' \
    'Requires.private: $(3)' 'Libs.private: $(4)' > $(D)/lib/pkgconfig/$(1).pc
install: all
	install -d $(D)/bin $(D)/lib/pkgconfig $(D)/include/tidelock/script $(D)/share/tidelock \
	    $(D)/share/man/man1 $(D)/share/man/man3
	install -m 755 $(B)/tidelock $(D)/bin/tidelock
	install -m 644 $(LIB) $(SCRIPT_LIB) $(D)/lib/
	for name in tidelock tidelock-script; do \
	    install -m 755 $(B)/lib$$name.so $(D)/lib/lib$$name.so.0 && \
	    ln -sf lib$$name.so.0 $(D)/lib/lib$$name.so || exit 1; done
	install -m 644 src/tidelock.h $(D)/include/tidelock.h
	install -m 644 src/script/sandbox.h $(D)/include/tidelock/script/
	$(call describe,tidelock,Lua-scriptable trading host,$(PACKAGES),-lwslay -llua5.1-cjson -lm)
	$(call describe,tidelock-script,A sandbox for Lua with limits that hold,luajit,\
	    -llua5.1-cjson -lm)
	install -m 644 src/man/*.1 $(D)/share/man/man1/
	install -m 644 src/man/*.3 $(D)/share/man/man3/
	cp -R strategies examples $(D)/share/tidelock/

clean:
	rm -rf build
