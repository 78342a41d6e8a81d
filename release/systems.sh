# The systems that packages are made for, and what each registry calls them. To be sourced.

# As rustc calls it          wheel            gem                 Go            archive       Debian
systems='
x86_64-unknown-linux-gnu     manylinux2014    x86_64-linux        linux_amd64        linux-x86_64       amd64
aarch64-unknown-linux-gnu    manylinux2014    aarch64-linux       linux_arm64        linux-aarch64      arm64
x86_64-unknown-linux-musl    musllinux_1_2    x86_64-linux-musl   linux_amd64_musl   linux-musl-x86_64  -
aarch64-unknown-linux-musl   musllinux_1_2    aarch64-linux-musl  linux_arm64_musl   linux-musl-aarch64 -
aarch64-apple-darwin         -                arm64-darwin        darwin_arm64       macos-arm64        -
x86_64-apple-darwin          -                x86_64-darwin       darwin_amd64       macos-x86_64       -
x86_64-pc-windows-gnu        -                x64-mingw-ucrt      windows_amd64      windows-x86_64     -
'
wanted_systems=${ANNOY_RS_DIST_SYSTEMS:-$(awk 'NF {print $1}' <<< "$systems")}

# name_of SYSTEM COLUMN: 2 for the wheel, 3 the gem, 4 Go, 5 the archive, 6 Debian.
name_of() { awk -v name="$1" -v column="$2" '$1 == name {print $column}' <<< "$systems"; }

# shared_name SYSTEM: the file that cargo makes.
shared_name() {
    case $1 in
        *-darwin) echo libannoy_rs.dylib ;;
        *-windows-*) echo annoy_rs.dll ;;
        *) echo libannoy_rs.so ;;
    esac
}
