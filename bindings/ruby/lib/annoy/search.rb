# frozen_string_literal: true

module Annoy
  # The part of {Index} that searches. Any number of threads may search at once; they let go of the interpreter's lock.
  #
  # All searches take these keywords:
  #
  # * `search_k`: the number of candidates looked at; more take longer and find better. -1 stands for n times the trees,
  #   with a graph for a number that suits it.
  # * `max_distance`: nothing farther than this is found; for dot, nothing of a smaller inner product.
  # * `exclude`: ids that are not wanted.
  # * `allow` or `deny`: items that may be found, or may not; a mask (an Array of true and false for all items), or ids.
  # * `filter`: called with an id, says whether that item may be found. It must not be left by `throw` or `break`.
  # * `exact`: look at all items, without the trees.
  # * `way`: `:forest` or `:graph`; without it the graph is searched where there is one.
  #
  # What may not be found does not count for `search_k`.
  #
  # They return ids and distances, nearest first, equal distances by id. There are fewer than n when fewer are found.
  module Search
    # Where the results of a search lie.
    Results = Struct.new(:ids, :distances, :found, :error, :room)
    # Results of searches for no more than ROOM lie in memory that is used again and again. A search takes SPARE memory
    # and gives it back when its results are read: the trap of a signal may come between the two and search as well.
    ROOM = 1024
    SPARE = [] # rubocop:disable Style/MutableConstant
    private_constant :Results, :ROOM, :SPARE

    # Finds the `n` items nearest to a vector.
    #
    # @param vector [Array<Numeric>, String, Numo::NArray] `f` numbers; a String is packed: `pack("f*")`, for float64
    #   `pack("d*")`; for hamming `pack("Q*")`, the bits in words of 64
    # @param n [Integer]
    # @return [Array(Array<Integer>, Array<Numeric>)] ids and distances
    # @raise [ArgumentError, StateError, FileError]
    def search(vector, n = 10, search_k: -1, **options)
      kind, bytes, length = Vectors.row(vector, @arrays, @strings)
      return told(kind, kind.search, [bytes, length], n, { search_k: search_k, **options }) unless options.empty?

      # Here and in search_item no Arrays are made on the way: they would cost more than all else.
      @handle.shared do |index|
        results = results_for(index, natural(n))
        status = Native.public_send(kind.nearest, index, bytes, length, n, search_k, results.ids, results.distances,
                                    results.found, results.error)
        Errors.check(status, results.error)
        found(results, kind)
      end
    end

    # Finds the `n` items nearest to an item, itself among them unless `exclude_self` is true.
    #
    # @return (see #search)
    # @raise [ItemError, ArgumentError, StateError, FileError]
    def search_item(item, n = 10, search_k: -1, **options)
      kind = @arrays
      return told(kind, kind.search_item, [item], n, { search_k: search_k, **options }) unless options.empty?

      @handle.shared do |index|
        results = results_for(index, natural(n))
        status = Native.public_send(kind.nearest_of_item, index, item, n, search_k, results.ids, results.distances,
                                    results.found, results.error)
        Errors.check(status, results.error)
        found(results, kind)
      end
    end

    # Searches for many vectors, by `n_threads` threads (-1: one per processor). Can be interrupted.
    #
    # @param vectors [Array<Array<Numeric>>, String, Numo::NArray] rows; a String has them packed, one behind the other
    # @yieldparam done [Integer] how many queries are done, in the thread of the caller
    # @yieldparam total [Integer]
    # @return [Array(Array<Array<Integer>>, Array<Array<Numeric>>)] ids and distances for each
    # @raise (see #search)
    def search_batch(vectors, n = 10, n_threads: -1, **options, &progress)
      rows = Vectors.rows(vectors, @arrays, @strings, @lengths)
      target = [rows.bytes, rows.count, rows.length, 0]
      many(rows.kind, rows.kind.search_batch, target, rows.count, n, Work.new(n_threads, &progress), options)
    end

    # Searches for the neighbours of many items. As {#search_batch} and {#search_item}; distances have the precision of
    # float32.
    #
    # @return (see #search_batch)
    # @raise (see #search_item)
    def search_batch_items(items, n = 10, n_threads: -1, **options, &progress)
      ids = Vectors.ids(items)
      count = ids.bytesize / 8
      work = Work.new(n_threads, &progress)
      many(Vectors::FLOAT, :annoy_search_batch_items, [ids, count], count, n, work, options)
    end

    # Estimates the recall of searches: the share of the `n` nearest that they find, 0 to 1, over `n_sample` items
    # chosen by `seed`. Looks at all items for each of those.
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

    # A search with options.
    def told(kind, function, target, n, options)
      work = Work.new if options[:filter]
      search = lambda do
        @handle.shared(asks: work) do |index|
          results = results_for(index, natural(n))
          given = SearchOptions.new(Native.annoy_get_n_items(index), work, **options)
          Errors.check(Native.public_send(function, index, *target, n, given, results.ids, results.distances,
                                            results.found, results.error), results.error)
          found(results, kind)
        end
      end
      work ? work.here(&search) : search.call
    end

    def many(kind, function, target, n_queries, n, work, options)
      ids = Native.memory(:int64, n_queries * natural(n))
      distances = Native.memory(kind.read_distances == :get_array_of_float64 ? :double : :float, n_queries * n)
      n_found = Native.memory(:size_t, n_queries)
      search = lambda do
        @handle.shared(asks: options[:filter]) do |index|
          given = SearchOptions.new(Native.annoy_get_n_items(index), work, **options)
          Errors.call { |error| Native.public_send(function, index, *target, n, given, ids, distances, n_found, error) }
        end
      end
      options[:filter] ? work.here(&search) : work.apart(&search)
      n_found = n_found.get_bytes(0, n_queries * FFI.type_size(:size_t)).unpack("J*")
      [rows(ids.get_array_of_int64(0, n_queries * n), n, n_found),
       rows(distances.public_send(kind.read_distances, 0, n_queries * n), n, n_found).map { |row| numbers(row) }]
    end

    def results_for(index, n)
      return SPARE.pop || room_for(ROOM) if n <= ROOM

      room_for([n, Native.annoy_get_n_items(index)].min)
    end

    def room_for(room)
      error = Native.memory(Native::AnnoyError.size)
      Results.new(Native.memory(:int64, room), Native.memory(:double, room), Native.memory(:size_t), error, room)
    end

    # What is in the results, which then are spare.
    def found(results, kind)
      n = results.found.get_ulong(0)
      found = [results.ids.get_array_of_int64(0, n), numbers(results.distances.public_send(kind.read_distances, 0, n))]
      SPARE.push(results) if results.room == ROOM
      found
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
