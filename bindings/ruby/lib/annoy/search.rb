# frozen_string_literal: true

module Annoy
  # The part of {Index} that searches. Any number of threads may search at once; searches release
  # the interpreter's lock.
  #
  # All searches take these keywords:
  #
  # * `search_k`: the number of candidates; more take longer and find more. 0 and -1 stand for n
  #   times the number of trees, with a graph or a scan for a number that suits it.
  # * `max_distance`: nothing farther than this is found; for dot, nothing of a
  #   smaller inner product.
  # * `exclude`: ids that are not wanted.
  # * `allow` or `deny`: items that may be found, or may not; a mask (an Array of true and false for
  #   all items), or ids.
  # * `filter`: called with an id, says whether that item may be found. It must not be left by
  #   `throw` or `break`.
  # * `exact`: look at all items, without the trees.
  # * `way`: `:forest`, `:graph` or `:scan`; without it the graph is searched where there is one,
  #   else the scan, else the trees.
  # * `recall`: the share of the nearest to be found, up to 1, in place of `search_k`; for an index
  #   that {Index#tune} or {Index#build_auto} has measured.
  #
  # What may not be found does not count for `search_k`.
  #
  # They return ids and distances, nearest first, equal distances by id. There are fewer than n when
  # fewer are found.
  module Search
    # Finds the `n` items nearest to a vector.
    #
    # @param vector [Array<Numeric>, String, Numo::NArray] `f` numbers; a String is packed:
    #   `pack("f*")`, for float64 `pack("d*")`; for hamming `pack("Q*")`, the bits in words of 64
    # @param n [Integer]
    # @return [Array(Array<Integer>, Array<Numeric>)] ids and distances
    # @raise [ArgumentError, StateError, FileError]
    def search(vector, n = 10, search_k: -1, **options)
      kind, bytes, length = Vectors.row(vector, @arrays, @strings)
      unless options.empty?
        options[:search_k] = search_k
        return told(n, options) { |scratch| [:annoy_search, scratch.vectors(kind, length, bytes)] }
      end

      # Here and in search_item no Arrays are made on the way: they would cost more than all else.
      # 0 candidates find nothing, as in Annoy; to annoy_search 0 is the default.
      @handle.shared do |index|
        scratch = scratch_for(index, natural(n))
        status = Native.annoy_search(index, scratch.vectors(kind, length, bytes), scratch.options(search_k),
                                     scratch.results(n), nil, scratch.error)
        scratch.found(status, @hamming)
      end
    end

    # Finds the `n` items nearest to an item, itself among them unless `exclude_self` is true.
    #
    # @return (see #search)
    # @raise [ItemError, ArgumentError, StateError, FileError]
    def search_item(item, n = 10, search_k: -1, **options)
      unless options.empty?
        options[:search_k] = search_k
        return told(n, options) { |scratch| [:annoy_search_items, scratch.item(item), 1] }
      end

      @handle.shared do |index|
        scratch = scratch_for(index, natural(n))
        status = Native.annoy_search_items(index, scratch.item(item), 1, scratch.options(search_k),
                                           scratch.results(n), nil, scratch.error)
        scratch.found(status, @hamming)
      end
    end

    # Searches for many vectors, by `n_threads` threads (-1: one per processor). Can be interrupted.
    #
    # @param vectors [Array<Array<Numeric>>, String, Numo::NArray] rows; a String has them packed,
    #   one behind the other
    # @yieldparam done [Integer] how many queries are done, in the thread of the caller
    # @yieldparam total [Integer]
    # @return [Array(Array<Array<Integer>>, Array<Array<Numeric>>)] ids and distances for each
    # @raise (see #search)
    def search_batch(vectors, n = 10, n_threads: -1, **options, &progress)
      rows = Vectors.rows(vectors, @arrays, @strings, @lengths)
      kind = rows.kind.equal?(Vectors::DOUBLE) ? Vectors::DOUBLE : Vectors::FLOAT
      scratch = Scratch.take
      queries = scratch.vectors(rows.kind, rows.length, rows.bytes, rows.count)
      found = many(:annoy_search, [queries], kind, rows.count, n, Work.new(n_threads, &progress), options)
      scratch.spare
      found
    end

    # Searches for the neighbours of many items. As {#search_batch} and {#search_item}.
    #
    # @return (see #search_batch)
    # @raise (see #search_item)
    def search_items(items, n = 10, n_threads: -1, **options, &progress)
      ids = Vectors.ids(items)
      count = ids.bytesize / 8
      many(:annoy_search_items, [ids, count], @arrays, count, n, Work.new(n_threads, &progress), options)
    end

    # Estimates the recall of searches: the share of the `n` nearest that they find, 0 to 1, over
    # `n_sample` items chosen by `seed`. Looks at all items for each of those.
    #
    # Can be interrupted.
    #
    # @yieldparam (see #search_batch)
    # @return [Float]
    # @raise [ArgumentError, StateError, FileError]
    def estimate_recall(n: 10, search_k: -1, n_sample: 100, seed: 0, n_threads: -1, &progress)
      recall = Native.memory(:double)
      work = Work.new(n_threads, &progress)
      work.apart { @handle.read(:annoy_estimate_recall, natural(n_sample), natural(n), search_k, seed, work, recall) }
      recall.get_double(0)
    end

    private

    # A search with options; the block gives the function of annoy.h, and what is searched for.
    def told(n, options)
      work = Work.new if options[:filter]
      search = lambda do
        @handle.shared(asks: work) do |index|
          scratch = scratch_for(index, natural(n))
          function, *target = yield scratch
          given = SearchOptions.new(Native.annoy_get_n_items(index), work, **options)
          status = Native.public_send(function, index, *target, given, scratch.results(n), work, scratch.error)
          scratch.found(status, @hamming)
        end
      end
      work ? work.here(&search) : search.call
    end

    def scratch_for(index, n)
      n <= Scratch::ROOM ? Scratch.take : Scratch.new([n, Native.annoy_get_n_items(index)].min)
    end

    def many(function, target, kind, n_queries, n, work, options)
      ids = Native.memory(:int64, n_queries * natural(n))
      distances = Native.memory(kind.size, n_queries * n)
      counts = Native.memory(:size_t, n_queries)
      results = Vectors.results(kind, ids, distances, counts, n)
      search = lambda do
        @handle.shared(asks: options[:filter]) do |index|
          given = SearchOptions.new(Native.annoy_get_n_items(index), work, **options)
          Errors.call { |error| Native.public_send(function, index, *target, given, results, work, error) }
        end
      end
      options[:filter] ? work.here(&search) : work.apart(&search)
      counts = counts.get_bytes(0, n_queries * FFI.type_size(:size_t)).unpack("J*")
      [rows(ids.get_array_of_int64(0, n_queries * n), n, counts),
       rows(distances.public_send(kind.read, 0, n_queries * n), n, counts).map { |row| numbers(row) }]
    end

    # Distances of hamming are whole numbers.
    def numbers(distances)
      @hamming ? distances.map(&:to_i) : distances
    end

    def rows(flat, n, lengths)
      lengths.each_with_index.map { |length, i| flat[i * n, length] }
    end

    def natural(n)
      return n if n.is_a?(Integer) && n >= 0

      raise ArgumentError, "a count is #{n.inspect}, expected an Integer of at least 0"
    end
  end
end
