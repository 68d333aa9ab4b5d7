#!/usr/bin/env bash
# ./run lint [FILE...]: clang-19 builds everything with thread-safety analysis, then clang-tidy-19 reads our sources.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
./run build analyze
files=("$@")
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(git ls-files 'src/*.cpp' 'apps/*.cpp' | grep -v _test.cpp)
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy-19 -p out/analyze --quiet
echo "lint: ${#files[@]} files are clean"
