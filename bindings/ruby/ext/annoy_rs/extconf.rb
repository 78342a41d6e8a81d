# frozen_string_literal: true

# Builds the library with cargo and puts it beside the Ruby files that load it: from the sources
# in the gem, which have all crates along, so that no network is needed; or from the checkout
# around this file.

require "fileutils"
require "rbconfig"
require "tmpdir"

GEM = File.expand_path("../..", __dir__)
SOURCES = File.join(__dir__, "rust")
NAME = "libannoy_rs.#{RbConfig::CONFIG['host_os'].include?('darwin') ? 'dylib' : 'so'}"

def build(sources, target, *options)
  manifest = File.join(sources, "Cargo.toml")
  command = [ENV.fetch("CARGO", "cargo"), "rustc", "--release", "--lib", "--locked", "--quiet", "--manifest-path", manifest,
             "--target-dir", target, "--crate-type", "cdylib", *options]
  puts "building the library, which takes some minutes: #{command.join(' ')}"
  case system(*command)
  when nil then abort("#{command.first} was not found: the library is built by Rust 1.89 or later (rustup, or CARGO=path of its cargo)")
  when false then abort("cargo did not build the library; it takes Rust 1.89 or later")
  end
  built = File.join(target, "release", NAME)
  # Under another name first: a process may have the old one mapped.
  place = File.join(GEM, "lib", "annoy", NAME)
  FileUtils.cp(built, "#{place}.new")
  File.rename("#{place}.new", place)
end

if File.directory?(SOURCES)
  crates = File.join(SOURCES, "vendor")
  config = ["source.crates-io.replace-with='vendor'", "source.vendor.directory='#{crates}'"]
  Dir.mktmpdir { |target| build(SOURCES, target, "--offline", *config.flat_map { |line| ["--config", line] }) }
  # Nothing of them is needed any more.
  FileUtils.rm_rf(SOURCES)
  # RubyGems runs make.
  File.write("Makefile", "all install clean:\n")
else
  root = File.expand_path("../..", GEM)
  given = ENV["CARGO_TARGET_DIR"].to_s
  build(root, given.empty? ? File.join(root, "target") : given)
end
