# frozen_string_literal: true

module Annoy
  # A shard that a directory is to have: the name of its file there, or the text of a manifest,
  # whose shards are all taken over on its word; what its items have in common; ids within it that
  # are removed from now on.
  Shard = Struct.new(:file, :partition, :removed)

  # The part of {Index} that is about directories of shards, which {Index.open} opens as one index
  # that cannot be changed.
  module Shards
    # Makes these the shards of a directory, in this order, all or nothing. They are files in it
    # that {Index#save} wrote, of one metric, f, types and kind of labels, and must not change any
    # more.
    #
    # @param shards [Array<String, Shard>]
    # @param expected [Integer] the generation of the manifest that is there, 0 for none
    # @param keep [Integer] manifests before the last so many are taken away, with the files that
    #   only those name; 0 keeps all
    # @return [Integer] the generation of the new manifest
    # @raise [StateError] if another writer was first
    # @raise [FileError, ArgumentError, ItemError]
    def self.commit(path, shards, expected: 0, keep: 0)
      kept = []
      rows = Native.memory(:char, shards.size * Native::AnnoyShard.size)
      shards.each_with_index do |shard, i|
        fill(Native::AnnoyShard.new(rows + i * Native::AnnoyShard.size), shard.is_a?(Shard) ? shard : Shard.new(shard), kept)
      end
      generation = Native.memory(:uint64)
      Errors.call do |error|
        Native.annoy_commit_shards(Files.path(path), rows, shards.size, expected, keep, generation, error)
      end
      generation.get_uint64(0)
    end

    def self.fill(row, shard, kept)
      row[:file] = text(shard.file, kept)
      row[:partition] = shard.partition && text(shard.partition, kept)
      return unless shard.removed

      bytes = Vectors.ids(shard.removed)
      kept << row[:removed] = Native.bytes(bytes)
      row[:n_removed] = bytes.bytesize / 8
    end
    private_class_method :fill

    def self.text(string, kept)
      raise ArgumentError, "#{string.inspect} has a NUL character in it" if string.include?("\0")

      kept << memory = FFI::MemoryPointer.from_string(string)
      memory
    end
    private_class_method :text

    # Takes up the manifest that a directory of shards has now, while searches go on. Ids stay where
    # shards were only added behind those there were.
    #
    # @return [Integer] its generation
    # @raise [StateError, FileError]
    def refresh
      generation = Native.memory(:uint64)
      @handle.shared { |index| Errors.call { |error| Native.annoy_refresh(index, generation, error) } }
      generation.get_uint64(0)
    end

    # @return [Integer] how many shards a directory has; 0 for an index of one file
    def n_shards = fact(Native::ANNOY_FACT_N_SHARDS)

    # @return [Integer] how many of them are not there, and are not searched
    def n_missing = fact(Native::ANNOY_FACT_N_MISSING)

    # @return [Integer] of the manifest that is searched; 0 for an index of one file
    def generation = fact(Native::ANNOY_FACT_GENERATION)

    private

    def fact(fact)
      @handle.shared { |index| Native.annoy_get_fact(index, fact) }
    end
  end
end
