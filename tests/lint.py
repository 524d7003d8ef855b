#!/usr/bin/env python3
"""Static checks: `make lint`. Each prints what it finds; any finding fails."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.chdir(ROOT)


def files(*patterns):
    return subprocess.run(["git", "ls-files", *patterns], capture_output=True, text=True, check=True).stdout.split()


def check_format():
    for f in files("*.c", "*.h"):
        r = subprocess.run(["clang-format", "--dry-run", "-Werror", f], capture_output=True, text=True)
        if r.returncode:
            yield f"{f}: not as clang-format has it (make format)"


def compiler_flags():
    """The flags of the hypervisor's objects, as make would use them."""
    out = subprocess.run(["make", "-pn", "hypervisor"], capture_output=True, text=True).stdout
    inc = subprocess.run(["gcc", "-print-file-name=include"], capture_output=True, text=True).stdout.strip()
    m = re.search(r"^HV_CFLAGS = (.*)", out, re.M)
    warn = re.search(r"^WARN := (.*)", out, re.M)[1]
    flags = m[1].replace("$(WARN)", warn).replace("$(MAX_CPUS)", "64")
    return [f for f in flags.split() if "$" not in f] + [
        "-nostdinc", "-isystem", inc, "-isystem", "build/inc", "-Ihypervisor", "-Ihypervisor/include",
        "-Ibuild/hypervisor/gen"]


def check_headers():
    """Each header compiles alone."""
    flags = compiler_flags()
    for h in files("hypervisor/**/*.h", "hypervisor/*.h"):
        if os.path.basename(h) in ("asm.h",):
            continue
        r = subprocess.run(["gcc", *flags, "-Wno-unused", "-fsyntax-only", "-x", "c", "-"], input=f'#include "{ROOT}/{h}"\n',
                           capture_output=True, text=True)
        if r.returncode:
            yield f"{h}: does not stand alone: {r.stderr.splitlines()[0] if r.stderr else ''}"


def check_readmes():
    """`file.c: function()` in a README names a function that is in that file."""
    sources = {}
    for f in files("*.c", "*.S", "*.h", "*.py", "*.sh"):
        sources.setdefault(os.path.basename(f), []).append(f)
    for readme in files("*README.md"):
        for name, func in re.findall(r"([\w-]+\.[cSh]): ?`?(\w+)\(\)", open(readme).read()):
            texts = [open(f).read() for f in sources.get(name, [])]
            if not any(re.search(rf"\b{func}\b", t) for t in texts):
                yield f"{readme}: {name}: {func}() is not there"


def check_cppcheck():
    r = subprocess.run(["cppcheck", "-q", "--enable=warning,portability", "--inline-suppr", "--error-exitcode=0",
                        "--suppress=missingIncludeSystem", "--suppress=preprocessorErrorDirective",
                        # Linker symbols bound one object; cppcheck cannot know. Inline assembly confuses it.
                        "--suppress=comparePointers", "--suppress=subtractPointers", "--suppress=syntaxError",
                        "--suppress=uninitvar:hypervisor/lib/lib.h",
                        "--template={file}:{line}: {message}", "-Ihypervisor", "-Ihypervisor/include", "hypervisor"],
                       capture_output=True, text=True)
    yield from [line for line in r.stderr.splitlines() if re.match(r"\S+:\d+: ", line)]


def main():
    bad = 0
    for check in (check_format, check_headers, check_readmes, check_cppcheck):
        found = list(check())
        bad += len(found)
        print(f"{'fail' if found else 'pass'}  {check.__name__[6:]}" + "".join("\n      " + f for f in found))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
