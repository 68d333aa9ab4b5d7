#!/usr/bin/env bash
# The demo's clients: each line is a program of its own that talks to the daemon named by REGENT_SOCKET.
# usage: demo_workload.sh BIN DIR [HIVE|REG-FILE ...]
set -eu
die() { echo "demo: $*" >&2; exit 1; }
bin=$1 demo=$2
shift 2
uninstall='HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall'

# The installed Debian packages, as Windows lists installed programs.
packages_as_reg() {
    printf 'Windows Registry Editor Version 5.00\n\n'
    dpkg-query -W -f='${Package}\t${Version}\t${Maintainer}\t${Installed-Size}\n' |
        awk -F'\t' '{
            gsub(/\\/, "\\\\"); gsub(/"/, "\\\"")
            printf "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\%s]\n", $1
            printf "\"DisplayName\"=\"%s\"\n\"DisplayVersion\"=\"%s\"\n\"Publisher\"=\"%s\"\n", $1, $2, $3
            printf "\"EstimatedSize\"=dword:%08x\n\n", $4
        }'
}

is_hive() { [ "$(head -c 4 "$1")" = regf ]; }

# A named hive is copied first: loading it read-write must not touch the original.
load_hive() {
    local file=$1 name=$2 copy="$demo/$2.hiv" log state
    # A hive that is wrong is told by what is wrong, and where. An older one with logs is brought up to date by loading it.
    if ! state=$("$bin/hivetool" info --json "$file"); then
        printf '%s\n' "$state" >&2
        die "$file is damaged or no hive: what was found is above"
    fi
    cp -- "$file" "$copy"
    chmod u+w "$copy"
    for log in LOG LOG1 LOG2; do [ ! -r "$file.$log" ] || cp -- "$file.$log" "$copy.$log"; done
    "$bin/reg" load "HKLM\\$name" "$copy" || die "$file cannot be loaded"
    "$bin/reg" query "HKLM\\$name" /s >"$demo/$name.txt"
    "$bin/reg" add "HKLM\\$name\\RegentDemo" /v Visited /t REG_DWORD /d 1 /f
    "$bin/reg" delete "HKLM\\$name\\RegentDemo" /f
    "$bin/reg" unload "HKLM\\$name"
}

fails() { if "$@" >/dev/null 2>&1; then echo "demo: this should have failed: $*" >&2; exit 1; fi; }

if [ $# -gt 0 ]; then
    number=0
    for file in "$@"; do
        number=$((number + 1))
        if is_hive "$file"; then load_hive "$file" "Demo$number"; else "$bin/reg" import "$file" || die "$file cannot be imported"; fi
    done
else
    packages_as_reg >"$demo/packages.reg"
    "$bin/reg" import "$demo/packages.reg" &
    importer=$!
    "$bin/reg" query 'HKLM\HARDWARE' /s >/dev/null &
    reader=$!
    wait "$importer" || die "the import of the packages failed"
    wait "$reader" || die "the hardware description cannot be read"
    "$bin/reg" query "$uninstall" /s >"$demo/packages.txt"
    "$bin/reg" query "$uninstall\\bash" /v DisplayVersion
fi

# Two users change their settings at once.
users=()
for n in 1 2; do
    (for i in 1 2 3 4 5; do "$bin/reg" add "HKCU\\Software\\RegentDemo\\Client$n" /v "Count$i" /t REG_DWORD /d "$i" /f >/dev/null; done) &
    users+=($!)
done
for user in "${users[@]}"; do wait "$user" || die "a client could not write its settings"; done
"$bin/reg" copy 'HKCU\Software\RegentDemo' 'HKCU\Software\RegentDemoCopy' /s /f
"$bin/reg" delete 'HKCU\Software\RegentDemoCopy' /f

# Failing on purpose: a key that is not there, a value that is not there, a place where no key may be made, and, when we
# are root, another user who may not write here.
fails "$bin/reg" query 'HKLM\Software\NoSuchKey'
fails "$bin/reg" query 'HKCU\Software\RegentDemo' /v NoSuchValue
fails "$bin/reg" add 'HKLM\NoKeyMayBeMadeHere' /f
fails "$bin/reg" add 'HKU\NorHere' /f
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    fails setpriv --reuid 65534 --regid 65534 --clear-groups "$bin/reg" add 'HKLM\Software\NotYours' /f
fi
