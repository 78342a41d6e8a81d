# frozen_string_literal: true

module Annoy
  # The part of {Index} that is about the bytes of its file without a file: in a String, a
  # Marshal, a copy.
  module Bytes
    # @private
    def self.open(bytes, index, error)
      bytes = Vectors.unchanging(bytes)
      Native.annoy_open_buffer(bytes, bytes.bytesize, Native::ANNOY_LOAD_COPY | Native::ANNOY_UNLOCKED, index, error)
    end

    # The bytes that {Files#save} writes.
    #
    # @return [String]
    # @raise [StateError]
    def to_bytes
      n = Native.memory(:size_t)
      @handle.shared do |index|
        Errors.call do |error|
          status = Native.annoy_save_to_buffer(index, nil, 0, n, nil, error)
          status == Native::ANNOY_ERR_TOO_SMALL ? Native::ANNOY_OK : status
        end
        bytes = "\0".b * n.get_ulong(0)
        Errors.call { |error| Native.annoy_save_to_buffer(index, bytes, bytes.bytesize, n, nil, error) }
        bytes
      end
    end

    # Loads the bytes of a file, ours or Annoy's, which are copied, in place of what the index
    # holds. As {Files#load}.
    #
    # @param bytes [String]
    # @return [true]
    # @raise [FileError]
    def load_bytes(bytes)
      bytes = Vectors.unchanging(bytes)
      @handle.change(:annoy_load_from_buffer, bytes, bytes.bytesize, Native::ANNOY_LOAD_COPY)
      true
    end

    # For Marshal: the bytes of its file. Of an index that is not built: its items, with labels,
    # metadata and seed; ids behind the last item are not kept.
    #
    # @return [Array]
    def marshal_dump
      @handle.shared do
        items = n_trees.zero? && n_items.positive?
        [f, metric, dtype, id_bits, n_trees.zero? ? nil : to_bytes, items ? contents : nil, @seed]
      end
    end

    # @private
    def marshal_load(dumped)
      f, metric, dtype, id_bits, bytes, contents, seed = dumped
      if bytes
        adopt { |index, error| Bytes.open(bytes, index, error) }
      else
        make(f, metric, dtype, id_bits)
      end
      fill(contents) if contents
      seed(seed) if seed
    end

    # For `dup` and `clone`: a copy, with memory of its own. As {#marshal_dump}.
    # @private
    def initialize_copy(other)
      marshal_load(other.marshal_dump)
    end

    private

    # What an index that is not built holds.
    def contents
      removed = n_removed.zero? ? [] : (0...n_items).select { |item| removed?(item) }
      there = (ids + removed).sort
      size = there.length * @lengths[1] * @strings.size
      vectors = Scratch.take.filled(@strings, @lengths[1], there.length) do |to|
        @handle.read(:annoy_get_vectors, Vectors.ids(there), to)
      end
      named = 0..(there.last || -1)
      labels = named.zip(labels(named)).to_h.compact
      [there, vectors.get_bytes(0, size), removed, labels, metadata]
    end

    def fill(contents)
      ids, vectors, removed, labels, metadata = contents
      add_items(vectors, ids: ids)
      removed.each { |item| remove_item(item) }
      set_labels(labels.values, ids: labels.keys)
      self.metadata = metadata
    end
  end
end
