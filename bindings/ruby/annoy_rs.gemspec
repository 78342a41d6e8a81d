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
  # In the gem ext/annoy_rs/rust has the library's sources, with dotfiles among them: the Rakefile puts them there.
  spec.files = Dir.glob("{lib,sig,ext}/**/*", File::FNM_DOTMATCH, base: __dir__)
                  .select { |path| File.file?(File.join(__dir__, path)) && !path.end_with?(".so", ".dylib") } +
               ["README.md", "LICENSE"].select { |path| File.file?(File.join(__dir__, path)) }
  spec.extensions = ["ext/annoy_rs/extconf.rb"]
  spec.require_paths = ["lib"]
  spec.add_dependency "ffi", "~> 1.15"
  spec.metadata["rubygems_mfa_required"] = "true"
end
