#!/usr/bin/env bash
# A hive written by us must hold the same keys and values for every other reader that is installed.
# usage: foreign_readers.sh MAKE_HIVE HIVETOOL [HIVE...]; exit 77 when no foreign reader is there.
set -eu
make_hive=$1 hivetool=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$make_hive" "$work/hive"
"$hivetool" info --json "$work/hive" >"$work/info"
keys=$(sed 's/.*"keys":\([0-9]*\).*/\1/' "$work/info")
values=$(sed 's/.*"values":\([0-9]*\).*/\1/' "$work/info")
ran=0 failed=0

compare() { # reader, its keys, its values
    ran=$((ran + 1))
    if [ "$2" = "$keys" ] && [ "$3" = "$values" ]; then
        echo "$1: $2 keys, $3 values: equal"
    else
        echo "$1: $2 keys, $3 values: expected $keys and $values" >&2
        failed=1
    fi
}
have() { command -v "$1" >/dev/null || { echo "$1: skipped, not installed"; return 1; }; }

if have hivexml; then
    hivexml "$work/hive" >"$work/xml"
    compare hivexml "$(grep -o '<node ' "$work/xml" | wc -l)" "$(grep -o '<value ' "$work/xml" | wc -l)"
fi
if have hivexregedit; then
    hivexregedit --export "$work/hive" '\' >"$work/reg" 2>/dev/null
    compare hivexregedit "$(grep -c '^\[' "$work/reg")" "$(grep -Ec '^("|@=)' "$work/reg")"
    grep -q '^"Dword"=dword:04030201' "$work/reg" || { echo "hivexregedit: Dword differs" >&2; failed=1; }
    grep -qi '^"Qword"=hex(b):31,32,33,34,35,36,37,38' "$work/reg" || { echo "hivexregedit: Qword differs" >&2; failed=1; }
fi
if have reglookup; then
    reglookup -H "$work/hive" >"$work/lookup" 2>/dev/null
    compare reglookup "$(grep -c ',KEY,' "$work/lookup")" "$(grep -vc ',KEY,' "$work/lookup")"
    big=$(grep '^/Values/Big,' "$work/lookup" | cut -d, -f3 | tr -d '\n' | wc -c)
    [ "$big" -ge 50000 ] || { echo "reglookup: big data has $big characters" >&2; failed=1; }
fi
if have regfinfo; then
    ran=$((ran + 1))
    regfinfo "$work/hive" >"$work/regfinfo"
    grep -q 'Is corrupt' "$work/regfinfo" && { echo "regfinfo: says it is corrupt" >&2; failed=1; }
    echo "regfinfo: opened"
fi
if have regfexport; then
    regfexport -K '' "$work/hive" >"$work/export" 2>/dev/null || regfexport "$work/hive" >"$work/export"
    compare regfexport "$(grep -c '^Key path' "$work/export")" "$(grep -c '^Value: ' "$work/export")"
fi
if have regtree; then
    # Samba's tool stops on assertions of its own for many sound hives; only what it prints to the end can be compared.
    if (regtree -F "$work/hive" >"$work/tree") 2>/dev/null; then
        ran=$((ran + 1))
        grep -q sub2499 "$work/tree" || { echo "regtree: differs" >&2; failed=1; }
    else
        echo "regtree: skipped, it aborted by itself"
    fi
fi
[ "$ran" -gt 0 ] || { echo "skipped: no foreign reader installed"; exit 77; }
exit "$failed"
