#!/usr/bin/env bash
# ./run check: what every commit must pass. Each step prints one OK or FAIL line; exit code 0 only when all are OK.
set -u
cd "$(dirname "$(readlink -f "$0")")/.."
mkdir -p out
bad=0

step() {
    local name=$1; shift
    local log="out/check-$name.log" began=$SECONDS
    if "$@" >"$log" 2>&1; then
        echo "OK    $name ($((SECONDS - began)) s)$(grep -m1 '^skipped' "$log" | sed 's/^/: /')"
    else
        echo "FAIL  $name"
        tail -n 40 "$log" | sed 's/^/      /'
        bad=1
    fi
}

format() {
    command -v clang-format-19 >/dev/null || { echo "skipped: clang-format-19 is not installed (./run setup)"; return 0; }
    git ls-files '*.cpp' '*.h' '*.c' | xargs grep -LE '^(//|/\*) [Gg]enerated by' | xargs -r clang-format-19 --dry-run -Werror
}

pe_drivers() {
    command -v x86_64-w64-mingw32-gcc >/dev/null || { echo "skipped: mingw-w64 is not installed (./run setup)"; return 0; }
    tools/check_pe_drivers.sh
}

step services python3 tools/gen_services.py contract include/nt/ntservices.h --check
step floors python3 tools/check_floors.py
step style python3 tools/check_style.py
step docs python3 tools/check_docs.py
step conformance python3 tools/check_conformance.py
step format format
step pe-drivers pe_drivers
step quick-tests ./run test quick
exit $bad
