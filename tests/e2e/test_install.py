"""What `make install` leaves is enough: programs in C and Python use it and nothing else.

Everything is installed once under a DESTDIR; the examples are compiled through pkg-config as a
user would, run, and compared with what they promise.
"""
import ctypes
import os
import re
import shutil
import subprocess
import sys
import tempfile

from harness import BUILD, ROOT, Skip, main

SAN = "asan" in BUILD  # the sanitizers' tree has no shared libraries to install
FOLDER = tempfile.mkdtemp(prefix="tidelock-install-")
PLACE = os.path.join(FOLDER, "root", "opt", "tidelock")
EXAMPLES = os.path.join(PLACE, "share", "tidelock", "examples", "script")
WARNINGS = "-std=c11 -Wall -Wextra -Wpedantic -Werror".split()
WRITABLE = r" O +(\.data|\.bss|\.tdata|\.tbss|\*COM\*)\S*\s"


def run(*words, code=0, **options):
    environment = dict(os.environ, PKG_CONFIG_PATH=f"{PLACE}/lib/pkgconfig",
                       LD_LIBRARY_PATH=f"{PLACE}/lib")
    done = subprocess.run(words, capture_output=True, text=True, timeout=280, env=environment,
                          check=False, **options)
    assert done.returncode == code, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


def install():
    # What a caller gave to make (CC=clang) holds here too; its job server does not.
    flags = os.environ.get("MAKEFLAGS", "").partition(" -- ")[2]
    environment = dict(os.environ, MAKEFLAGS="", MFLAGS="")
    words = ["make", "-C", ROOT, "--no-print-directory", "install",
             f"DESTDIR={FOLDER}/root", "PREFIX=/opt/tidelock", *flags.split()]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, env=environment,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def flags(package, *more):
    """What pkg-config says, told where the tree stands now."""
    return run("pkg-config", f"--define-variable=prefix={PLACE}", "--cflags", "--libs", *more,
               package).split()


def build(name, *words):
    program = os.path.join(FOLDER, name)
    run(os.environ.get("CC", "cc"), *words, "-o", program)
    return program


def symbols(path, *options):
    lines = run("nm", *options, "--defined-only", path).splitlines()
    return [line.split()[-1].split("@")[0] for line in lines if len(line.split()) == 3]


def test_what_is_installed():
    names = ("bin/tidelock include/tidelock.h include/tidelock/script/sandbox.h lib/libtidelock.a "
             "lib/libtidelock.so lib/libtidelock-script.a lib/libtidelock-script.so "
             "lib/libtidelock-script.so.0 lib/pkgconfig/tidelock.pc "
             "lib/pkgconfig/tidelock-script.pc share/man/man1/tidelock.1 "
             "share/man/man3/tidelock-script.3").split()
    missing = [name for name in names if not os.path.exists(os.path.join(PLACE, name))]
    assert not missing, missing


def test_the_shared_library_shows_only_the_api():
    shared = f"{PLACE}/lib/libtidelock-script.so"
    told = run("readelf", "-d", shared)
    assert "Library soname: [libtidelock-script.so.0]" in told, told
    needed = set(re.findall(r"\(NEEDED\).*\[(\w[\w.+-]*?)\.so", told))
    assert needed <= {"libluajit-5.1", "liblua5.1-cjson", "libc", "libm", "libgcc_s",
                      "ld-linux-x86-64", "ld-linux-aarch64"}, needed
    shown = symbols(shared, "-D")
    assert shown and all(name.startswith("sandbox_") for name in shown), shown
    static = symbols(f"{PLACE}/lib/libtidelock-script.a", "-g")
    assert sorted(static) == sorted(shown), set(static) ^ set(shown)


def test_every_function_of_the_header_is_there_and_no_other():
    with open(f"{PLACE}/include/tidelock/script/sandbox.h", encoding="utf-8") as header:
        text = re.sub(r"/\*.*?\*/", "", header.read(), flags=re.S)
    declared = set(re.findall(r"\b(sandbox_\w+)\((?!\*)", text))
    shown = set(symbols(f"{PLACE}/lib/libtidelock-script.so", "-D"))
    assert declared == shown, declared ^ shown


def test_the_library_has_no_state_of_its_own():
    """No writable data: what the loader relocates is read-only when the program runs."""
    lines = run("objdump", "-t", f"{PLACE}/lib/libtidelock-script.a").splitlines()
    ours = [line for line in lines if re.search(WRITABLE, line)
            and ".data.rel.ro" not in line]
    assert not ours, ours
    assert any(" O .rodata" in line or ".data.rel.ro" in line for line in lines), lines


def test_headers_compile_alone_in_c_and_cxx():
    for name in ("tidelock/script/sandbox.h", "tidelock.h"):
        source = os.path.join(FOLDER, "alone.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(f"#include <{name}>\nint main(void) {{ return 0; }}\n")
        run("cc", *WARNINGS, "-fsyntax-only", f"-I{PLACE}/include", source)
        probe = subprocess.run(["cc", "-x", "c++", "-fsyntax-only", "/dev/null"],
                               capture_output=True, check=False)
        if probe.returncode:
            print(f"skipped: no C++ compiler, {name} was compiled as C only")
        else:
            run("cc", "-x", "c++", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                f"-I{PLACE}/include", source)


QUOTED = """three teas: 56.9715 (rate 0.05)
instructions: rules.lua:5: stopped: used up its 20000 instructions
error: rules.lua:6: stock.level wants the item's name
three teas: 56.9715 (rate 0.05)
calls 5, errors 1, kills 1
"""


def test_a_c_program():
    program = build("quote", f"{EXAMPLES}/quote.c", *WARNINGS, *flags("tidelock-script"))
    assert run(program) == QUOTED


def test_the_same_program_linked_statically():
    shared = flags("tidelock-script", "--static")
    words = [f"{PLACE}/lib/libtidelock-script.a" if word == "-ltidelock-script" else word
             for word in shared]
    program = build("quote-static", f"{EXAMPLES}/quote.c", *WARNINGS, *words)
    assert "libtidelock" not in run("ldd", program)
    assert run(program) == QUOTED


def test_python_over_the_c_abi():
    told = run(sys.executable, f"{EXAMPLES}/quote.py", f"{PLACE}/lib/libtidelock-script.so.0")
    assert told == ("total 62.97\nstopped: rules.lua:5: stopped: used up its 20000 instructions\n"
                    "total 3.01\n"), told


class Plugins:
    """The plug-in host, asked line by line."""

    def __init__(self, folder):
        program = build("plugins", f"{EXAMPLES}/plugins.c", *WARNINGS, "-D_GNU_SOURCE",
                        *flags("tidelock-script"))
        self.process = subprocess.Popen([program, folder], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE,
                                        env=dict(os.environ, LD_LIBRARY_PATH=f"{PLACE}/lib"))

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        told = []
        for answer in self.process.stdout:
            if answer == f"-- {line}\n":
                return told
            told.append(answer.rstrip("\n"))
        raise AssertionError(f"the host ended: {told}")

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0


def test_a_plugin_host_reloads_its_folder():
    folder = os.path.join(FOLDER, "plugins.d")
    shutil.copytree(f"{EXAMPLES}/plugins", folder)
    shout = os.path.join(folder, "shout.lua")

    def write(text):
        with open(shout + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(shout + ".new", shout)

    host = Plugins(folder)
    told = host.ask("one two")
    assert sorted(told[:2]) == ["count.lua: loaded", "shout.lua: loaded"], told
    assert told[2:] == ["count.lua: 2 words so far", "shout.lua: ONE TWO!"], told
    write("return { on_event = function( }")
    told = host.ask("three")
    assert told[0].startswith("shout.lua: not loaded: shout.lua:1:"), told
    assert told[1:] == ["count.lua: 3 words so far", "shout.lua: THREE!"], told
    write("return { on_event = function() while true do end end }")
    told = host.ask("four")
    assert told[0] == "shout.lua: swapped", told
    assert "stopped: used up its" in told[2], told
    os.unlink(shout)
    assert host.ask("five six") == ["shout.lua: gone", "count.lua: 6 words so far"]
    host.close()


def test_the_trading_host_as_a_library():
    source = f"{PLACE}/share/tidelock/examples/embed/embed.c"
    program = build("embed", source, *WARNINGS, *flags("tidelock"))
    os.makedirs(f"{FOLDER}/var", exist_ok=True)
    shutil.copytree(f"{PLACE}/share/tidelock/strategies", f"{FOLDER}/strategies")
    told = run(program, cwd=FOLDER)
    assert 'answer  202 {"status":"accepted"' in told and '"kind":"signal.decided"' in told, told


def test_man_pages_are_well_formed():
    if not shutil.which("man"):
        raise Skip("there is no man here")
    for page in ("man1/tidelock.1", "man3/tidelock-script.3"):
        done = subprocess.run(["man", "--warnings", "-l", "-Tutf8", f"{PLACE}/share/man/{page}"],
                              capture_output=True, text=True, check=False,
                              env=dict(os.environ, LC_ALL="C.UTF-8", MANPAGER="cat"))
        assert done.returncode == 0 and not done.stderr, done.stderr
        assert "E\bEX" in done.stdout or "EX" in done.stdout, done.stdout


def test_sizes_that_a_foreign_language_relies_on():
    sys.path.insert(0, EXAMPLES)
    sys.dont_write_bytecode = True
    quote = __import__("quote")
    source = os.path.join(FOLDER, "sizes.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write('#include <stdio.h>\n#include <tidelock/script/sandbox.h>\n'
                   'int main(void)\n{\n    printf("%zu %zu %zu\\n", sizeof(struct sandbox_value),'
                   ' sizeof(struct sandbox_limits), sizeof(struct sandbox_failure));\n'
                   '    return 0;\n}\n')
    told = run(build("sizes", source, f"-I{PLACE}/include")).split()
    assert told == [str(ctypes.sizeof(shape)) for shape in
                    (quote.Value, quote.Limits, quote.Failure)], told


if __name__ == "__main__":
    if SAN:
        print("skipped: the sanitizers' tree has no shared libraries to install")
        print("0 passed, 0 failed, 1 skipped")
        sys.exit(0)
    try:
        install()
        main()
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
