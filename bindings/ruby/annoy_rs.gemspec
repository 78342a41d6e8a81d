# frozen_string_literal: true

require_relative "lib/annoy/version"

Gem::Specification.new do |spec|
  spec.name = "annoy_rs"
  spec.version = Annoy::VERSION
  spec.summary = "Approximate nearest neighbours in memory-mapped files, in Annoy's format"
  spec.description = "Annoy rebuilt in Rust, with the API of the gem annoy-rb and what its users asked for: batches, filters, " \
                     "labels, removal, files that say what they are."
  spec.authors = ["The annoy_rs authors"]
  spec.license = "Apache-2.0"
  spec.required_ruby_version = ">= 3.0"
  # A gem for one system has the library in lib, and nothing to build it from (see the Rakefile). In the other one
  # ext/annoy_rs/rust has the library's sources, with dotfiles among them.
  is_native = !File.directory?(File.join(__dir__, "ext"))
  spec.files = Dir.glob("{lib,sig,ext}/**/*", File::FNM_DOTMATCH, base: __dir__)
                  .select { |path| File.file?(File.join(__dir__, path)) && (is_native || !path.end_with?(".so", ".dylib", ".dll")) } +
               %w[README.md LICENSE THIRD-PARTY-LICENSES.txt].select { |path| File.file?(File.join(__dir__, path)) }
  if is_native
    spec.platform = ENV.fetch("PLATFORM")
  else
    spec.extensions = ["ext/annoy_rs/extconf.rb"]
  end
  spec.require_paths = ["lib"]
  spec.add_dependency "ffi", "~> 1.15"
  spec.metadata["rubygems_mfa_required"] = "true"
end
