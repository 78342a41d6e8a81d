#!/usr/bin/env bash
# Other people's wrappers of Spotify's annoylib.h, compiled with ours in its place: RcppAnnoy, uwot
# (on RcppAnnoy) and the Lua module of Annoy. Each has to pass its own tests as it does with the
# original.
#
#   tests/wrappers/run.sh [vignette] [rcppannoy] [uwot] [lua]      all, unless some are named
#
# The vignette is what RcppAnnoy tells packages like uwot to write: a program on its headers, which
# Debian's package has with a test, so that it needs no sources.
#
# Their sources are taken from ANNOY_RS_WRAPPERS (target/wrappers), a directory with RcppAnnoy, uwot
# and annoy (for its Lua module) in it, as their authors have them. RcppAnnoy and uwot, where they
# are missing there, are taken from Debian's source packages. Of what is not to be had it is said
# that it was not run; where it is named, it fails. R, Lua and what the tests need are Debian's
# packages, installed with root and named otherwise.
set -u
. "$(dirname "$0")/../shell.sh"
sources=${ANNOY_RS_WRAPPERS:-$target/wrappers}

missing=()
for entry in r-base-dev:/usr/bin/R r-cran-{rcpp:Rcpp,rcppannoy:RcppAnnoy,tinytest:tinytest,testthat:testthat,rcppprogress:RcppProgress} \
    r-cran-{dqrng:dqrng,irlba:irlba,fnn:FNN,rspectra:RSpectra,matrix:Matrix} \
    libpcg-cpp-dev:/usr/include/pcg_random.hpp lua5.1:/usr/bin/lua5.1 liblua5.1-0-dev:/usr/include/lua5.1/lua.hpp lua-busted:/usr/bin/busted; do
    case ${entry#*:} in
        /*) [ -e "${entry#*:}" ] || missing+=("${entry%%:*}") ;;
        *) [ -d "/usr/lib/R/site-library/${entry#*:}" ] || [ -d "/usr/lib/R/library/${entry#*:}" ] || missing+=("${entry%%:*}") ;;
    esac
done
if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" -eq 0 ] && apt-get update -qq > /dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > "$tmp/log" 2>&1 ||
        { bad "missing: ${missing[*]} (Debian package names)"; finish; }
fi

# debian_source PACKAGE DIRECTORY: unpacks the source package there. By lists of its own: those of
# the machine may have no sources.
debian_source() {
    local lists=$tmp/apt site
    mkdir -p "$lists/parts" "$lists/lists/partial" "$lists/archives/partial" "$lists/got" || return
    site=$(apt-get indextargets --format '$(SITE) $(CODENAME)' 'Created-By: Packages' | awk '$2 !~ /-/ {print; exit}')
    echo "deb-src $site main" > "$lists/sources.list"
    local options=(-qq -o Dir::Etc::SourceList="$lists/sources.list" -o Dir::Etc::SourceParts="$lists/parts"
        -o Dir::State::Lists="$lists/lists" -o Dir::Cache="$lists" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update &&
        (cd "$lists/got" && apt-get "${options[@]}" source --download-only "$1") &&
        dpkg-source --extract "$lists/got/$1"_*.dsc "$2"
}
# source_of NAME [DEBIAN_PACKAGE]
source_of() {
    [ ! -d "$sources/$1" ] || return 0
    mkdir -p "$sources"
    if [ -n "${2:-}" ] && command -v apt-get dpkg-source > "$tmp/log"; then
        debian_source "$2" "$sources/$1" > "$tmp/log" 2>&1 && return
    fi
    if [ -n "$is_named" ]; then bad "$1: no source in $sources" "$tmp/log"; else echo "not run: $1, no source in $sources"; fi
    return 1
}
[ -n "${ANNOY_RS_NO_BUILD:-}" ] || ok "the library" cargo build --quiet --release --lib --manifest-path "$root/Cargo.toml" --target-dir "$target"
library=$target/release/libannoy_rs.a
headers=$root/bindings/cpp/include

# ran NAME COMMAND...: passes when the command exits 0; what it counted is kept in `count`.
ran() {
    local name=$1
    shift
    ok "$name" "$@"
    count=$(grep -oE '[0-9]+ (tests|successes|passed)|PASS [0-9]+' "$tmp/log" | grep -oE '[0-9]+' | tail -n 1)
    echo "      $name: ${count:-?}"
}
same_count() { [ -n "$2" ] && [ "$2" = "$3" ] && good "$1: as many tests pass with both ($2)" || bad "$1: $2 with theirs, $3 with ours"; }

# with_ours DIRECTORY: our annoylib.h in place of the one that it brings. (RcppAnnoy has a
# kissrandom.h of its own, without a namespace, which it goes on using.) Annoy has a namespace since
# 1.17.1, and what was written before does not name it.
with_ours() {
    local before=
    grep -q '^namespace Annoy' "$1/annoylib.h" || before="using namespace Annoy;"
    cp "$headers"/{annoylib.h,annoylib_c.h,annoylib_calls.h} "$root/include/annoy.h" "$1"
    cp -r "$headers/annoy" "$1"
    echo "$before" >> "$1/annoylib.h"
}

vignette() {
    local whose libs counts=()
    for whose in theirs ours; do
        libs=
        mkdir -p "$tmp/vignette-$whose"
        cp -r /usr/lib/R/site-library/RcppAnnoy "$tmp/vignette-$whose"
        [ $whose = theirs ] || { with_ours "$tmp/vignette-$whose/RcppAnnoy/include"; libs="$library -lpthread -ldl -lm"; }
        ran "RcppAnnoy's vignette, $whose" env R_LIBS="$tmp/vignette-$whose" PKG_LIBS="$libs" Rscript -e \
            'd <- as.data.frame(tinytest::run_test_file(file.path(Sys.getenv("R_LIBS"), "RcppAnnoy/tinytest/testVignette.R"), verbose = 0)); stopifnot(nrow(d) > 0); cat(sum(d$result), "passed\n"); print(d[!d$result, ]); quit(status = !all(d$result))'
        counts+=("${count:-}")
    done
    same_count "RcppAnnoy's vignette" "${counts[@]}"
}
rcppannoy() {
    source_of RcppAnnoy r-cran-rcppannoy || return
    local whose counts=()
    for whose in theirs ours; do
        mkdir -p "$tmp/$whose"
        rm -rf "$tmp/RcppAnnoy" && cp -r "$sources/RcppAnnoy" "$tmp/RcppAnnoy"
        # The vignette is a document.
        rm -rf "$tmp/RcppAnnoy/vignettes" "$tmp/RcppAnnoy/inst/tinytest/testVignette.R"
        if [ $whose = ours ]; then
            with_ours "$tmp/RcppAnnoy/inst/include"
            echo "PKG_LIBS = $library -lpthread -ldl -lm" >> "$tmp/RcppAnnoy/src/Makevars"
        fi
        ok "RcppAnnoy, $whose: it compiles" R CMD INSTALL --no-docs --no-byte-compile --library="$tmp/$whose" "$tmp/RcppAnnoy"
        ran "RcppAnnoy, $whose: its tests" env R_LIBS="$tmp/$whose" Rscript -e \
            'stopifnot(dirname(find.package("RcppAnnoy")) == normalizePath(Sys.getenv("R_LIBS"))); r <- tinytest::test_package("RcppAnnoy"); d <- as.data.frame(r); cat(sum(d$result), "passed\n"); if (!all(d$result)) print(d[!d$result, ]); quit(status = !all(d$result))'
        counts+=("${count:-}")
    done
    same_count RcppAnnoy "${counts[@]}"
}
uwot() {
    source_of uwot r-cran-uwot || return
    local whose counts=()
    for whose in theirs ours; do
        [ -d "$tmp/$whose/RcppAnnoy" ] || rcppannoy || return
        rm -rf "$tmp/uwot" && cp -r "$sources/uwot" "$tmp/uwot"
        [ $whose = theirs ] || echo "PKG_LIBS = $library -lpthread -ldl -lm" >> "$tmp/uwot/src/Makevars"
        ok "uwot, $whose: it compiles" env R_LIBS="$tmp/$whose" R CMD INSTALL --no-docs --no-byte-compile --library="$tmp/$whose" "$tmp/uwot"
        ran "uwot, $whose: its tests" env R_LIBS="$tmp/$whose" NOT_CRAN=true Rscript -e \
            "stopifnot(dirname(find.package('uwot')) == normalizePath(Sys.getenv('R_LIBS'))); library(uwot); r <- as.data.frame(testthat::test_dir('$tmp/uwot/tests/testthat', package = 'uwot', load_package = 'installed', reporter = 'summary', stop_on_failure = FALSE)); bad <- sum(r\$failed) + sum(r\$error); cat(sum(r\$passed), 'passed\n'); quit(status = bad > 0)"
        counts+=("${count:-}")
    done
    same_count uwot "${counts[@]}"
}
lua() {
    source_of annoy || return
    local whose counts=() include extra
    for whose in theirs ours; do
        include=$sources/annoy/src extra=()
        [ $whose = theirs ] || include=$headers extra=(-I"$root/include" "$library" -lpthread -ldl -lm)
        mkdir -p "$tmp/lua-$whose"
        # An include in quotes looks beside the file first.
        cp "$sources/annoy/src/annoyluamodule.cc" "$tmp/lua-$whose"
        ok "Lua, $whose: it compiles" c++ -O2 -shared -fPIC -I/usr/include/lua5.1 -I"$include" "$tmp/lua-$whose/annoyluamodule.cc" \
            "${extra[@]}" -o "$tmp/lua-$whose/annoy.so"
        ran "Lua, $whose: its tests" env LUA_CPATH="$tmp/lua-$whose/?.so;;" sh -c "cd '$sources/annoy' && busted --lua=/usr/bin/lua5.1 test/annoy_test.lua"
        counts+=("${count:-}")
    done
    same_count Lua "${counts[@]}"
}

is_named=${1:-}
[ $# -gt 0 ] || set -- vignette rcppannoy uwot lua
for part in "$@"; do
    case $part in
        vignette | rcppannoy | uwot | lua) "$part" ;;
        *) echo "no $part" >&2; exit 2 ;;
    esac
done
finish
