#!/usr/bin/env bash
# ./run bench [SUITE] [--json FILE]: measures us beside the peers that are installed. Suites: cm, callbacks, hive (default
# all). The stores lie in $TMPDIR (/tmp): for suite hive that must be a disk. REGENT_HIVES names a folder of real hives.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
suites=() json= keys=${REGENT_BENCH_KEYS:-100000} runs=${REGENT_BENCH_RUNS:-5}
while [ $# -gt 0 ]; do
    case $1 in
        --json) [ $# -ge 2 ] || { echo "bench: --json needs a file" >&2; exit 2; }; json=$(readlink -f "$2"); shift ;;
        cm | callbacks | hive) suites+=("$1") ;;
        *) echo "bench: no suite '$1'; there are: cm callbacks hive" >&2; exit 2 ;;
    esac
    shift
done
[ ${#suites[@]} -gt 0 ] || suites=(cm callbacks hive)

cmake --preset release -DRG_BENCH=ON >/dev/null
if [ "${suites[*]}" = hive ]; then ./run build release bench_hive hivetool; else ./run build release; fi
bin=$PWD/out/release/bin
work=$(mktemp -d "${TMPDIR:-/tmp}/regent-bench.XXXXXX")
daemon=
finish() {
    [ -z "$daemon" ] || { kill "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null || true; }
    rm -rf "$work"
}
trap finish EXIT
[ -z "$json" ] || : >"$json"
json_option=()
[ -z "$json" ] || json_option=(--json "$json")

bench_wine() {
    command -v wine >/dev/null && command -v x86_64-w64-mingw32-gcc >/dev/null ||
        { echo "skipped wine: wine and mingw-w64 are not both installed"; return 0; }
    x86_64-w64-mingw32-gcc -O2 -w bench/win32_bench.c -o "$work/win32_bench.exe" -ladvapi32
    WINEPREFIX=$work/wine WINEDEBUG=-all taskset -c 0 wine "$work/win32_bench.exe" 10000 "$runs" wine | tee "$work/wine.jsonl"
    [ -z "$json" ] || cat "$work/wine.jsonl" >>"$json"
    WINEPREFIX=$work/wine wineserver -k 2>/dev/null || true
}

# hivex cannot make a hive: it gets an empty one of ours.
make_empty_hive() {
    REGENT_STORE=$work/empty-store "$bin/reg" add 'HKCU\Software\Empty' /f >/dev/null
    REGENT_STORE=$work/empty-store "$bin/reg" save 'HKCU\Software\Empty' "$work/peers/minimal.hiv" /y >/dev/null
}

bench_cm() {
    mkdir -p "$work/peers"
    make_empty_hive
    REGENT_STORE=$work/store "$bin/bench_cm" --dir "$work/peers" --n "$keys" --runs "$runs" "${json_option[@]}"
    echo; echo "the same by regentd"
    "$bin/regentd" --store "$work/daemon-store" --socket "$work/s" >"$work/regentd.log" 2>&1 &
    daemon=$!
    for _ in $(seq 100); do [ -S "$work/s" ] && break; kill -0 "$daemon" || { cat "$work/regentd.log"; exit 1; }; sleep 0.05; done
    REGENT_SOCKET=$work/s "$bin/bench_cm" --dir "$work/peers" --n 10000 --runs "$runs" --subject regentd --peers none "${json_option[@]}"
    kill "$daemon"; wait "$daemon" || true; daemon=
    echo; echo "a Windows program: ours (Reg* in process), then Wine"
    REGENT_STORE=$work/win32-store "$bin/win32_bench" 10000 "$runs" regent-win32 | tee "$work/win32.jsonl"
    [ -z "$json" ] || cat "$work/win32.jsonl" >>"$json"
    bench_wine
}

# Beside the build without the hook, and, where LTTng is installed, with a session that records the bench's tracepoint.
bench_callbacks() {
    cmake --preset release -B out/bare -DRG_BENCH=ON -DRG_CALLBACKS=OFF >/dev/null
    cmake --build out/bare --target bench_callbacks >out/bare/build.log 2>&1 || { tail -20 out/bare/build.log; return 1; }
    local session=
    if command -v lttng >/dev/null; then
        session=regent-bench-$$
        export LTTNG_HOME=$work
        lttng-sessiond --daemonize >/dev/null 2>&1 || true
        lttng create "$session" --output="$work/lttng" >/dev/null && lttng enable-channel -u --subbuf-size=8M --num-subbuf=16 bench >/dev/null &&
            lttng enable-event -u -c bench regent_bench:registry >/dev/null && lttng start >/dev/null || session=
    fi
    local result=0
    REGENT_STORE=$work/callback-store "$bin/bench_callbacks" --runs "$runs" "${json_option[@]}" \
        --bare "env REGENT_STORE=$work/bare-store $PWD/out/bare/bin/bench_callbacks" || result=$?
    if [ -n "$session" ]; then
        lttng stop >/dev/null 2>&1 || true
        lttng list "$session" | sed -n 's/^ *\(Discarded events: \|Lost packets: \)/lttng-ust: \1/p'
        lttng destroy "$session" >/dev/null
    fi
    return $result
}

# The SYSTEM hives from Windows above 10 MB are what `walk` and `validate` are about.
bench_hive() {
    local hive hives=()
    if [ -n "${REGENT_HIVES:-}" ]; then
        while IFS= read -r -d '' hive; do hives+=(--hive "$hive"); done < <(find -L "$REGENT_HIVES" -type f -name 'SYSTEM*' -size +10M -print0 | sort -z)
    fi
    echo "disk: $(stat -f -c %T "$work"), $(df --output=source "$work" | tail -n 1)"
    "$bin/bench_hive" --dir "$work" --n "$keys" --runs "$runs" --hivetool "$bin/hivetool" "${hives[@]}" "${json_option[@]}"
}

grep -m1 'model name' /proc/cpuinfo || true
for suite in "${suites[@]}"; do
    echo "== suite $suite"
    "bench_$suite"
done
