#!/usr/bin/env bash
# Every driver of drivers/ compiles, unchanged, with mingw-w64's DDK headers to a Windows object, and links to a .sys
# against its import library of the kernel: the proof that they are genuine WDK sources. Sources with __try are compiled by
# clang-19 for the same target, where it is installed.
# usage: check_pe_drivers.sh [OUTPUT-DIR]      (77: the cross compiler is not installed)
set -u
cd "$(dirname "$(readlink -f "$0")")/.."
out=${1:-out/pe}
cc=x86_64-w64-mingw32-gcc
ddk=/usr/share/mingw-w64/include/ddk
command -v $cc >/dev/null && [ -r $ddk/wdm.h ] || { echo "pe drivers: mingw-w64 is not installed, skipped"; exit 77; }
mkdir -p "$out"
failed=0
guard=clang-19
command -v $guard >/dev/null || guard=
flags="-O2 -Wall -Wextra -Werror -Wno-unknown-pragmas -Wno-multichar -fno-builtin -isystem $ddk -Idrivers -Idrivers/faulty -Iinclude
    -include drivers/mingw_shim.h"
# The definitions: two functions that clang's headers and the DDK's would both bring.
guarded="--target=x86_64-w64-windows-gnu -fms-extensions -Xclang -fasync-exceptions -Wno-#warnings
    -D__INTRINSIC_DEFINED_InterlockedBitTestAndSet -D__INTRINSIC_DEFINED_InterlockedBitTestAndReset"

# build NAME SOURCE...: one driver.
build() {
    local name=$1 objects=() source object
    shift
    for source in "$@"; do
        object=$out/$name-$(basename "$source").o
        if [ -n "$guard" ] && grep -q '__try' "$source"; then
            $guard $guarded $flags -c "$source" -o "$object" || failed=1
        else
            $cc -std=gnu11 $flags -Wno-cast-function-type -c "$source" -o "$object" || failed=1
        fi
        objects+=("$object")
    done
    $cc -nostdlib -shared -Wl,--subsystem,native -Wl,--entry,DriverEntry -Wl,--dynamicbase -o "$out/$name.sys" \
        "${objects[@]}" -lntoskrnl -lhal || failed=1
}

for folder in drivers/*/; do
    name=$(basename "$folder")
    sources=("$folder"*.c)
    case $name in
    common) continue ;;
    faulty) # a driver each
        [ -z "$guard" ] || sources+=("$folder"seh/*.c)
        for source in "${sources[@]}"; do build "faulty_$(basename "$source" .c)" "$source"; done
        continue
        ;;
    seh_guard)
        [ -n "$guard" ] || continue # it is nothing but structured exceptions
        sources=("$folder"*.cpp drivers/common/{filter,key_path,parameters}.c)
        ;;
    resource_manager) continue ;; # mingw-w64's headers do not declare a resource manager's routines: regent-cc --pe
    regmon) sources+=(drivers/common/parameters.c) ;;
    exp3* | exp4*) sources+=(drivers/common/{cancel_device,key_path,parameters,pending_table}.c) ;;
    legacy_xp) ;;
    audit | context_user | deny | emulate | process_policy | redirect | rename_tracker | status_override | transaction_aware | two_altitude)
        sources+=(drivers/common/{filter,key_path,parameters}.c) ;;
    *) sources+=(drivers/common/cancel_device.c drivers/common/parameters.c) ;;
    esac
    build "$name" "${sources[@]}"
done
[ $failed = 0 ] && echo "pe drivers: $(ls "$out"/*.sys | wc -l) built with mingw-w64"
exit $failed
