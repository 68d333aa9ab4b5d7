#!/usr/bin/env bash
# mingw_test.sh SOURCE NATIVE WORK [LIB...]: SOURCE compiles for Windows unchanged; where Wine is installed it prints there
# what NATIVE, the same program built here, prints. Exit 77: no cross compiler.
set -eu
source=$1 native=$2 work=$3
shift 3
case $source in *.cpp) compiler=x86_64-w64-mingw32-g++ ;; *) compiler=x86_64-w64-mingw32-gcc ;; esac
command -v "$compiler" >/dev/null || { echo "no $compiler"; exit 77; }
mkdir -p "$work"
program=$work/$(basename "${source%.*}").exe
"$compiler" -static -Wall -D__USE_MINGW_ANSI_STDIO=0 -DSTRSAFE_NO_DEPRECATE "$source" -o "$program" "$@"
command -v wine >/dev/null || { echo "compiled; no Wine to run it"; exit 0; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export WINEPREFIX=$work/wine WINEDEBUG=-all REGENT_T=expanded
unset DISPLAY
exec 8>"$work/wine.lock"
flock 8
wine "$program" 2>/dev/null | tr -d '\r' >"$scratch/wine"
wineserver -w 8>&- || true
"$(dirname "$0")/run_program.sh" "$native" | tr -d '\r' >"$scratch/native"
diff "$scratch/native" "$scratch/wine"
