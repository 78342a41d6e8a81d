#!/usr/bin/env bash
# Every test of the Ruby gem:
#
#   bindings/ruby/test.sh
#
# - the gem is built, and installed into a directory of its own under cargo's target directory,
#   where it builds the library from the sources in it, without a network; nothing of this checkout
#   is used from then on. Every day it does not optimise, and the tests run with the library of the
#   release build in its place; with ANNOY_RS_THOROUGH=1 with its own;
# - the tests, with warnings on, from another directory;
#
# Needs ruby (3.0 or later) with rake, minitest and the gem ffi, cargo and make. KEEP=1 keeps the
# temporary directory.
set -u
. "$(dirname "$0")/../../tests/shell.sh"
unset RUBYOPT RUBYLIB GEM_HOME GEM_PATH

ruby --version
ok "rake gem" env CARGO_TARGET_DIR="$target" rake --silent --rakefile "$here/Rakefile" gem
gem=$(ls "$here"/pkg/annoy_rs-*.gem)
home=$target/ruby/home
rm -rf "$home"
# As from nowhere: cargo must not ask the network, nor find this checkout.
cp "$gem" "$tmp" && cd "$tmp" || exit 1
# Compiling takes longer than the tests: the everyday run does it without optimisation.
level=()
[ -n "${ANNOY_RS_THOROUGH:-}" ] || level=(CARGO_PROFILE_RELEASE_OPT_LEVEL=0)
ok "gem install" env -u CARGO_TARGET_DIR CARGO_NET_OFFLINE=true "${level[@]}" gem install --local --no-document --install-dir "$home" \
    --ignore-dependencies "$tmp/$(basename "$gem")"
[ "$failed" -eq 0 ] || finish
GEM_PATH=$home:$(ruby -e 'print Gem.path.join(":")')
export GEM_PATH
ok "the gem is the one that was installed" ruby -rannoy_rs -e '
    abort $LOADED_FEATURES.grep(/annoy/).join("\n") unless $LOADED_FEATURES.grep(/annoy/).all? { |path| path.start_with?(ARGV[0]) }
    index = Annoy::Index.new(2, metric: "euclidean")
    index.add_items([[0, 0], [3, 4]])
    index.build(2)
    abort "it does not find" unless index.search([3, 3], 1) == [[1], [1.0]]
    abort "the sources are still there" if Dir.exist?(File.join(Gem.loaded_specs["annoy_rs"].full_gem_path, "ext/annoy_rs/rust"))
    ' "$home"

# What was not optimised works. The tests build graphs: they take the same sources, optimised.
if [ ${#level[@]} -gt 0 ]; then
    ok "the library, optimised" cargo build --quiet --release --lib --manifest-path "$root/Cargo.toml" --target-dir "$target"
    ok "in its place" cp "$target/release/libannoy_rs.so" "$home"/gems/annoy_rs-*/lib/annoy/
fi

# Each file alone, from here, with warnings on.
for file in "$here"/test/*_test.rb; do
    name=$(basename "$file")
    ruby -w "$file" > "$tmp/log" 2>&1
    code=$?
    # "12 runs, 34 assertions, 0 failures, 0 errors, 0 skips"
    read -r runs wrong < <(sed -n 's/^\([0-9]*\) runs, [0-9]* assertions, \([0-9]*\) failures, \([0-9]*\) errors, .*/\1 \2 \3/p' "$tmp/log" |
        awk '{print $1, $2 + $3}')
    if [ "$code" -eq 0 ] && [ "${runs:-0}" -gt 0 ] && ! grep -q "^$here.*warn" "$tmp/log"; then
        passed=$((passed + runs)); echo "ok    $name: $runs tests"
    else
        bad "$name (exit $code)" "$tmp/log"; failed=$((failed + ${wrong:-0}))
    fi
done
finish
