# frozen_string_literal: true

module Annoy
  # Vectors on their way to annoy.h and back. Internal.
  module Vectors
    # A type of elements: how Ruby packs them, the bytes of one, what annoy.h calls it, and what
    # reads an Array of them.
    Kind = Struct.new(:format, :size, :element, :read)

    FLOAT = Kind.new("f*", 4, Native::ANNOY_ELEMENT_F32, :get_array_of_float32).freeze
    DOUBLE = Kind.new("d*", 8, Native::ANNOY_ELEMENT_F64, :get_array_of_float64).freeze
    # Hamming in words of 64 bits.
    WORDS = Kind.new("Q*", 8, Native::ANNOY_ELEMENT_BITS, :get_array_of_uint64).freeze

    # Many vectors: bytes, their number, and the elements of one.
    Rows = Struct.new(:kind, :bytes, :count, :length)

    # What nothing is an instance of.
    NOTHING = Module.new

    # An annoy_results that points to memory, which it keeps. `kind` is that of the distances.
    def self.results(kind, ids, distances, counts, n)
      results = Native::AnnoyResults.new
      results[:struct_size] = Native::AnnoyResults.size
      results[:ids] = ids
      results[:distances] = distances
      results[:distance_element] = kind.element
      results[:counts] = counts
      results[:n] = n
      results
    end

    # Numo::NArray, where numo-narray is loaded.
    def self.narray
      defined?(::Numo::NArray) ? ::Numo::NArray : NOTHING
    end

    # The bytes of a Numo array in the type that annoy.h takes, and which that is.
    def self.numo(array, arrays, strings)
      # Words of hamming are told from bits by their type.
      kind = strings.equal?(WORDS) && array.is_a?(::Numo::UInt64) ? WORDS : arrays
      type = { FLOAT => ::Numo::SFloat, DOUBLE => ::Numo::DFloat, WORDS => ::Numo::UInt64 }.fetch(kind)
      [kind, type.cast(array).to_binary]
    end

    # The bytes of an Array, which `pack` checks, but not whether words are in range.
    def self.pack(array, kind, buffer: nil)
      integers(array, 2**64, "a word") if kind.equal?(WORDS)
      buffer ? array.pack(kind.format, buffer: buffer) : array.pack(kind.format)
    end

    # A String for a call that releases the interpreter's lock: other threads or a callback may
    # change the one that was given. Ruby copies it when one of the two is changed.
    def self.unchanging(string)
      raise TypeError, "bytes are #{a(string)}, expected a String" unless string.is_a?(String)

      string.frozen? ? string : String.new(string).freeze
    end

    # Item ids, as bytes of int64_t.
    #
    # @param ids an Enumerable of Integers, or a Numo array
    def self.ids(ids)
      array = ids.to_a
      array.each do |id|
        raise ItemError, "an item id is #{id.inspect}, expected an Integer" unless id.is_a?(Integer)
        raise ItemError, "item id is #{id}, expected one of 63 bits" unless id.bit_length < 64
      end
      array.pack("q*")
    end

    def self.integers(array, limit, what)
      array.each do |number|
        next if number.is_a?(Integer) && number >= 0 && number < limit

        raise ArgumentError, "#{what} is #{number.inspect}, expected an Integer from 0 to #{limit - 1}"
      end
    end

    # One vector as [kind, bytes, length in elements].
    def self.row(vector, arrays, strings)
      case vector
      when Array
        bytes = pack(vector, arrays)
        # Of the bytes: the Array may have another one by now.
        [arrays, bytes, bytes.bytesize / arrays.size]
      when String
        vector = unchanging(vector)
        [strings, vector, elements(vector, strings)]
      when narray
        raise ArgumentError, "the array has the shape #{vector.shape}, expected one dimension" unless vector.ndim == 1

        kind, bytes = numo(vector, arrays, strings)
        [kind, bytes, bytes.bytesize / kind.size]
      else
        raise ArgumentError, "the vector is #{a(vector)}, expected an Array, a packed String or a Numo::NArray"
      end
    end

    # Many vectors as {Rows}. `lengths` are those of an Array and of a String.
    def self.rows(vectors, arrays, strings, lengths)
      case vectors
      when String
        vectors = unchanging(vectors)
        count, rest = vectors.bytesize.divmod(strings.size * lengths[1])
        raise ArgumentError, "#{vectors.bytesize} bytes are not whole rows of #{lengths[1]} elements" unless rest.zero?

        Rows.new(strings, vectors, count, lengths[1])
      when narray
        raise ArgumentError, "the array has the shape #{vectors.shape}, expected two dimensions" unless vectors.ndim == 2

        shape = vectors.shape
        kind, bytes = numo(vectors, arrays, strings)
        whole(Rows.new(kind, bytes, *shape))
      else
        rows_of_arrays(vectors, arrays, lengths[0])
      end
    end

    def self.rows_of_arrays(vectors, kind, otherwise)
      raise ArgumentError, "the vectors are #{a(vectors)}, expected an Array of them" unless vectors.respond_to?(:each)

      bytes = String.new
      count = 0
      length = nil
      vectors.each do |vector|
        raise ArgumentError, "row #{count} is #{a(vector)}, expected an Array" unless vector.is_a?(Array)

        length ||= vector.length
        unless vector.length == length
          raise ArgumentError, "row #{count} has #{vector.length} elements, expected #{length} as in row 0"
        end

        pack(vector, kind, buffer: bytes)
        count += 1
      end
      whole(Rows.new(kind, bytes, count, length || otherwise))
    end

    # Refuses rows that were changed, by another thread or a number's `to_f`, while they
    # were taken over.
    def self.whole(rows)
      expected = rows.count * rows.length * rows.kind.size
      return rows if rows.bytes.bytesize == expected

      raise ArgumentError, "the vectors were changed meanwhile: there are #{rows.bytes.bytesize} bytes, expected #{expected}"
    end

    def self.elements(string, kind)
      count, rest = string.bytesize.divmod(kind.size)
      return count if rest.zero?

      raise ArgumentError, "#{string.bytesize} bytes are not whole elements of #{kind.size} bytes"
    end

    def self.a(value)
      "of class #{value.class}"
    end

    private_class_method :numo, :elements, :rows_of_arrays, :whole, :a
  end
  private_constant :Vectors
end
