#!/usr/bin/env bash
# run_program.sh PROGRAM: runs it on a new store of its own; it gets a scratch folder as its argument.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset REGENT_SOCKET
REGENT_STORE="$scratch/store" REGENT_T=expanded "$1" "$scratch"
