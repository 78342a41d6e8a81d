# frozen_string_literal: true

module Annoy
  # What annoy.h is told about vectors and results, in memory that is used again and again. A call
  # takes what is spare, and gives it back when it has read its results: the trap of a signal may
  # come between the two and make calls as well. Internal.
  class Scratch
    # Results for no more than these are in memory that is used again.
    ROOM = 1024
    # Vectors of no more bytes are copied; others stay where they are.
    COPIED = 1 << 14
    SPARE = [] # rubocop:disable Style/MutableConstant
    private_constant :COPIED, :SPARE

    # Memory that nobody else uses, for up to ROOM results.
    def self.take
      SPARE.pop || new(ROOM)
    end

    # @return [FFI::MemoryPointer] an annoy_error *
    attr_reader :error

    # @param room [Integer] places for results
    def initialize(room)
      @room = room
      @error = Native.memory(Native::AnnoyError.size)
      @item = Native.memory(:int64)
      @data = Native.memory(:char, COPIED)
      @vectors = Native::AnnoyVectors.new
      @vectors[:struct_size] = Native::AnnoyVectors.size
      @options = Native::AnnoySearchOptions.new
      @options[:struct_size] = Native::AnnoySearchOptions.size
      @ids = Native.memory(:int64, room)
      @distances = Native.memory(:double, room)
      @found = Native.memory(:size_t)
      @results = Vectors.results(Vectors::DOUBLE, @ids, @distances, @found, room)
      @vectors_pointer, @options_pointer, @results_pointer = @vectors.pointer, @options.pointer, @results.pointer
    end

    def spare
      SPARE.push(self) if @room == ROOM
    end

    # An int64_t * to an id.
    def item(id)
      @item.put_int64(0, id)
    end

    # An annoy_vectors * to packed vectors. The caller keeps the bytes.
    def vectors(kind, length, bytes, count = 1)
      if bytes.bytesize <= COPIED
        describe(kind, length, @data.put_bytes(0, bytes), count)
      else
        # So long a String does not lie in what the collector moves.
        describe(kind, length, FFI::Pointer.new([bytes].pack("P").unpack1("J")), count)
      end
    end

    # Yields an annoy_vectors * to room for vectors, and returns that.
    def filled(kind, length, count = 1)
      size = kind.size * length * count
      room = size <= COPIED ? @data : Native.memory(:char, size)
      yield describe(kind, length, room, count)
      room
    end

    # An annoy_search_options * that says nothing else.
    def options(search_k)
      return if search_k == -1

      @options[:search_k] = search_k
      @options_pointer
    end

    # An annoy_results * for n results, or for as many as there is room for.
    def results(n)
      @results[:n] = @n = n < @room ? n : @room unless n == @n
      @results_pointer
    end

    # What a search found. The memory is spare then.
    def found(status, hamming)
      Errors.check(status, @error)
      n = @found.get_ulong(0)
      ids = @ids.get_array_of_int64(0, n)
      distances = @distances.get_array_of_float64(0, n)
      SPARE.push(self) if @room == ROOM
      distances.map!(&:to_i) if hamming
      [ids, distances]
    end

    private

    # Most often all is as before.
    def describe(kind, length, data, count)
      @vectors[:data] = @at = data unless data.equal?(@at)
      unless kind.equal?(@kind) && length == @length && count == @count
        @vectors[:element] = kind.element
        @vectors[:len] = @length = length
        @vectors[:n] = @count = count
        @kind = kind
      end
      @vectors_pointer
    end
  end
  private_constant :Scratch
end
