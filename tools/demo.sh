#!/usr/bin/env bash
# ./run demo [HIVE|REG-FILE ...]: boots a store on this machine's own hardware description, starts regentd, loads the
# regmon driver, lets real clients work in other processes, prints their operations live and then what they came to.
set -eu
files=() # named from where the user stands
for file in "$@"; do files+=("$(readlink -m -- "$file")"); done
set -- "${files[@]}"
cd "$(dirname "$(readlink -f "$0")")/.."
bin=${REGENT_BIN:-$PWD/out/release/bin} # what ./run demo built
demo=${REGENT_DEMO:-$PWD/out/demo}
for file in "$@"; do [ -f "$file" ] && [ -r "$file" ] || { echo "demo: cannot read $file" >&2; exit 2; }; done

rm -rf "$demo"
mkdir -p "$demo"
run=$(mktemp -d /tmp/regent-demo.XXXXXX) # a socket's path must be short
chmod 755 "$run"
daemon=
finish() {
    [ -z "$daemon" ] || { kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null; }
    rm -rf "$run"
}
trap finish EXIT
trap 'exit 130' INT TERM

echo "== a store, booted from this machine"
"$bin/regent" boot --store "$demo/store"

echo "== regentd"
mkfifo "$run/ready"
"$bin/regentd" --store "$demo/store" --socket "$run/socket" >"$run/ready" 2>"$demo/regentd.log" &
daemon=$!
read -r ready <"$run/ready" || { cat "$demo/regentd.log" >&2; echo "demo: regentd did not start" >&2; exit 1; }
echo "$ready"
export REGENT_SOCKET=$run/socket

echo "== what this machine is, as \\Registry\\Machine\\HARDWARE says"
"$bin/reg" query 'HKLM\HARDWARE\DESCRIPTION\System\CentralProcessor\0'

echo "== regmon, watching clients at work"
"$bin/regmon" run --output "$demo/capture.jsonl" -- tools/demo_workload.sh "$bin" "$demo" "$@" || {
    code=$?
    echo "demo: a client failed (see above); the store is $demo/store, the daemon's log $demo/regentd.log" >&2
    exit "$code"
}

kill "$daemon"
wait "$daemon" || { echo "demo: regentd ended with an error, see $demo/regentd.log" >&2; exit 1; }
daemon=
cat <<TEXT
store:   $demo/store
capture: $demo/capture.jsonl
next:    out/release/bin/reg query 'HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall' --store out/demo/store
         out/release/bin/regent lab 1
TEXT
