# Wine, for programs of 64-bit Windows: to be sourced after tests/shell.sh. `wine_ready` sets up
# what `wine64 PROGRAM` runs in.
export WINEPREFIX=${CARGO_TARGET_DIR:-$root/target}/wine WINEDEBUG=-all
# Debian calls a script that asks for 32-bit Windows too.
[ ! -x /usr/lib/wine/wine64 ] || PATH=/usr/lib/wine:$PATH

wine_ready() {
    local system=$WINEPREFIX/drive_c/windows/system32
    [ -f "$WINEPREFIX/ready" ] && return
    rm -rf "$WINEPREFIX"
    mkdir -p "$WINEPREFIX"
    # Without a screen it complains, and goes on.
    wine64 wineboot -i < /dev/null > "$tmp/wine.log" 2>&1
    wine64 reg add 'HKCU\Software\Wine' /v Version /d win10 /f < /dev/null >> "$tmp/wine.log" 2>&1 || { cat "$tmp/wine.log"; return 1; }
    # Wine 8 lacks a system library that Rust's standard library asks for random numbers.
    [ -f "$system/bcryptprimitives.dll" ] ||
        x86_64-w64-mingw32-gcc -shared -O1 "$root/tests/everywhere/wine/bcryptprimitives.c" -ladvapi32 -o "$system/bcryptprimitives.dll" ||
        return
    wineserver -w
    touch "$WINEPREFIX/ready"
}
