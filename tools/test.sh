#!/usr/bin/env bash
# ./run test [quick|all|conformance|crash|NAME]: builds, runs the chosen tests, ends with one line
# `N passed, N failed, N skipped`. Exit code 0 only with 0 failed.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
what=${1:-default}

passed=0 failed=0 skipped=0

# run_ctest PRESET [CTEST OPTIONS]: adds a preset's results to the totals and shows what failed.
run_ctest() {
    local preset=$1; shift
    local log="out/$preset/ctest.log"
    local began=$SECONDS
    ctest --test-dir "out/$preset" --output-on-failure -j "$(nproc)" "$@" >"$log" 2>&1 || true
    local p f s
    p=$(grep -cE '^ *[0-9]+/[0-9]+ Test .* Passed ' "$log" || true)
    f=$(grep -cE '^ *[0-9]+/[0-9]+ Test .*\*\*\*(Failed|Timeout|Exception|Not Run)' "$log" || true)
    s=$(grep -cE '^ *[0-9]+/[0-9]+ Test .*\*\*\*Skipped' "$log" || true)
    if [ $((p + f + s)) -eq 0 ]; then
        cat "$log"
        f=1
    fi
    grep -E '^ *[0-9]+/[0-9]+ Test ' "$log" | sed -E 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: /  /' || true
    if [ "$f" -gt 0 ]; then sed -n '1,/tests passed/p' "$log" | grep -vE ' Passed ' | head -n 400; fi
    echo "$preset: $p passed, $f failed, $s skipped in $((SECONDS - began)) s"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

case $what in
    default) ./run build debug; run_ctest debug -LE long ;;
    quick) ./run build debug; run_ctest debug -L quick ;;
    conformance | crash) ./run build debug; run_ctest debug -L "$what" --verbose; grep -hE 'checks, .* ways|crash points' out/debug/ctest.log | sed -E 's/^[0-9]+: //' || true ;;
    all)
        ./run build debug
        run_ctest debug
        # The label `long` is more rounds of tests that run here too: hours of them under a sanitizer.
        for preset in asan tsan; do
            ./run build "$preset"
            run_ctest "$preset" -LE long
        done
        ;;
    *) ./run build debug; run_ctest debug -R "$what" ;;
esac

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
