#!/usr/bin/env bash
# ./run lint [--deep] [FILE...]: clang-tidy-19 and clang's thread-safety analysis over our sources, or those named.
# Nothing but the generated headers is built: clang-tidy compiles what it reads. --deep adds clang's path-sensitive
# analyzer, which takes four times as long.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
checks=()
if [ "${1:-}" = --deep ]; then checks=('--checks=clang-analyzer-*,-clang-analyzer-security.insecureAPI.*'); shift; fi
generated=(regent_nt_generated regent_rpc_generated)
[ "$(uname -m)" != x86_64 ] || generated+=(regent_io_generated)
./run build analyze "${generated[@]}"
files=("$@")
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(git ls-files 'src/*.cpp' 'apps/*.cpp' | grep -v _test.cpp)
began=$SECONDS
printf '%s\n' "${files[@]}" |
    xargs -P "$(nproc)" -n 4 clang-tidy-19 -p out/analyze --quiet "${checks[@]}" 2>/dev/null
echo "lint: ${#files[@]} files are clean, $((SECONDS - began)) s"
