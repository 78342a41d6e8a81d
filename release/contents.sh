#!/usr/bin/env bash
# Looks at what release/dist.sh has made: its sizes, that shared libraries export annoy_* and
# nothing else and need nothing but what each system has, that the licences are in each package, and
# that nothing names the place where it was built.
#
#   release/contents.sh     after release/dist.sh
set -u
. "$(dirname "$0")/systems.sh"
root=$(cd "$(dirname "$0")/.." && pwd)
work=$root/target/release-work
dist=$root/target/dist
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
wrong=0
complain() { wrong=1; echo "WRONG $*"; }

# exported FILE: the names that a shared library exports.
exported() {
    case $1 in
        *.dll) x86_64-w64-mingw32-objdump -p "$1" | sed -n '/Ordinal\/Name Pointer/,/^$/p' | awk '/^\t\[/ {print $NF}' ;;
        *.dylib) llvm-nm -g --defined-only "$1" | awk '{print substr($3, 2)}' ;;
        *) llvm-nm -D --defined-only "$1" | awk '{print $3}' ;;
    esac
}
# needed FILE: the libraries that it needs.
needed() {
    case $1 in
        *.dll) x86_64-w64-mingw32-objdump -p "$1" | awk '/DLL Name:/ {print tolower($3)}' ;;
        *.dylib) llvm-objdump --macho --dylibs-used "$1" | awk 'NR > 2 {print $1}' ;;
        *) llvm-objdump -p "$1" | awk '$1 == "NEEDED" {print $2}' ;;
    esac
}
there='^(libc|libm|libpthread|libdl|ld-linux-[a-z0-9-]+)\.so\.[0-9]+$|^libc\.musl-[a-z0-9_]+\.so\.1$|^/usr/lib/libSystem\.B\.dylib$'
there+='|^(api-ms-win-core-synch-l1-2-0|bcryptprimitives|kernel32|ntdll|msvcrt|userenv|ws2_32)\.dll$'
declared=$(grep -oE '\bannoy_[a-z0-9_]+\(' "$root/include/annoy.h" | tr -d '(' | sort -u)
for system in $wanted_systems; do
    library=$work/libraries/$system/$(shared_name "$system")
    [ -f "$library" ] || { complain "no library for $system"; continue; }
    exported "$library" | sort -u > "$tmp/exported"
    others=$(grep -v '^annoy_' "$tmp/exported")
    [ -z "$others" ] || complain "$system: exports $(head -n 3 <<< "$others" | tr '\n' ' ')"
    n=$(comm -12 "$tmp/exported" <(echo "$declared") | wc -l)
    [ "$n" -gt 50 ] || complain "$system: exports $n functions of annoy.h"
    others=$(needed "$library" | grep -vE "$there")
    [ -z "$others" ] || complain "$system: needs $others"
    for place in "$root" "$HOME/.cargo" "$HOME/.rustup"; do
        ! grep -qaF "$place/" "$library" "$work/libraries/$system/libannoy_rs.a" || complain "$system: names $place"
    done
    echo "$system: exports $n functions, all annoy_*; needs $(needed "$library" | sort -u | tr '\n' ' ')"
done

# list FILE: what is in a package.
list() {
    case $1 in
        *.whl | *.zip) python3 -m zipfile -l "$1" ;;
        *.gem) tar -xOf "$1" data.tar.gz | tar -tz ;;
        *.deb) dpkg-deb -c "$1" ;;
        *) tar -tzf "$1" ;;
    esac
}
echo
for file in "$dist"/*.*; do
    [ -f "$file" ] || continue
    printf '%9d  %s\n' "$(stat -c %s "$file")" "$(basename "$file")"
    case $file in
        *compat*) continue ;; # nothing of other people's is in it
        *.deb) licences=copyright ;;
        *) licences=THIRD-PARTY-LICENSES ;;
    esac
    # To the end: a closed pipe is an error to what writes there.
    list "$file" | grep "$licences" > /dev/null || complain "$(basename "$file"): no licences"
done
for file in $(find "$dist/go" "$dist/go-proxy" -name '*.a' -o -name '*.zip' 2> /dev/null | sort); do
    printf '%9d  %s\n' "$(stat -c %s "$file")" "${file#"$dist"/}"
done
[ $wrong -eq 0 ]
