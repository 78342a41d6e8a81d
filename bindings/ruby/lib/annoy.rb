# frozen_string_literal: true

require_relative "annoy/version"
require_relative "annoy/native"
require_relative "annoy/errors"
require_relative "annoy/index"
require_relative "annoy/annoy_index"
require_relative "annoy/annoy_index_classes"

# Approximate nearest neighbours in memory-mapped files, in Annoy's format.
#
# {Annoy::Index} is the index; {Annoy::AnnoyIndex} is the same index with the methods and defaults
# of the gem annoy-rb.
module Annoy
  # Opens a file that says what it is, as all files of this library do.
  #
  # @see Index.open
  # @return [Index] or what the block gives, after which the index is closed
  def self.open(path, **options, &block)
    Index.open(path, **options, &block)
  end

  # Name of the distance kernels that indexes use, the same all through a process: "avx512", "avx2"
  # or "sse2" on x86-64, "dotprod" or "neon" on aarch64, "portable" elsewhere.
  #
  # @return [String, nil] nil when the environment variable ANNOY_RS_KERNEL names none that
  #   this machine has
  def self.kernel_name
    Native.annoy_kernel_name
  end

  # Version of the library, such as "0.1.0".
  #
  # @return [String]
  def self.library_version
    Native.annoy_version
  end
end
