# What a fork sets: the names under which its packages are published. Everything else follows.
# The packages of PyPI and RubyGems have theirs in bindings/python/pyproject.toml and
# bindings/ruby/annoy_rs.gemspec.

# The crate. Programs write `use annoy_rs` whatever it is called: that is the name of the library.
crate_name=${ANNOY_RS_CRATE:-annoy-index}

# The Go module: where the repository is that `release/dist.sh go` fills.
go_module=${ANNOY_RS_GO_MODULE:-example.com/annoy_rs/annoy-go}
# Who answers for the Debian packages.
maintainer=${ANNOY_RS_MAINTAINER:-annoy_rs maintainers <maintainers@example.com>}
