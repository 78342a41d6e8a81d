# frozen_string_literal: true

module Annoy
  # The part of {Index} that is about the bytes of its file without a file: in a String, a Marshal, a copy.
  module Bytes
    # @private
    def self.open(bytes, index, error)
      Native.annoy_open_buffer(bytes, bytes.bytesize, Native::ANNOY_LOAD_COPY, index, error)
    end

    # The bytes that {Files#save} writes.
    #
    # @return [String]
    # @raise [StateError]
    def to_bytes
      n = Native.memory(:size_t)
      @handle.shared do |index|
        error = Native.error
        Errors.check(Native.annoy_saved_size(index, n, error), error)
        bytes = "\0".b * n.get_ulong(0)
        Errors.check(Native.annoy_save_to_buffer(index, bytes, bytes.bytesize, n, error), error)
        bytes
      end
    end

    # Loads the bytes of a file, ours or Annoy's, which are copied, in place of what the index holds. As {Files#load}.
    #
    # @param bytes [String]
    # @return [true]
    # @raise [FileError]
    def load_bytes(bytes)
      @handle.change(:annoy_load_from_buffer, bytes, bytes.bytesize, Native::ANNOY_LOAD_COPY)
      true
    end

    # For Marshal. An index that has items has to be built.
    #
    # @return [Array]
    # @raise [StateError]
    def marshal_dump
      [f, metric, dtype, id_bits, n_items.zero? && n_trees.zero? ? nil : to_bytes]
    end

    # @private
    def marshal_load(dumped)
      f, metric, dtype, id_bits, bytes = dumped
      return make(f, metric, dtype, id_bits) if bytes.nil?

      adopt { |index, error| Bytes.open(bytes, index, error) }
    end

    # For `dup` and `clone`: a copy, loaded from bytes of its own.
    # @private
    def initialize_copy(other)
      marshal_load(other.marshal_dump)
    end
  end
end
