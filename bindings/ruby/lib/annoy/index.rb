# frozen_string_literal: true

require "fiber"
require "weakref"
require_relative "types"
require_relative "handle"
require_relative "callbacks"
require_relative "work"
require_relative "vectors"
require_relative "scratch"
require_relative "search_options"
require_relative "search"
require_relative "files"
require_relative "shards"
require_relative "bytes"
require_relative "labels"
require_relative "inspection"

module Annoy
  # An index of vectors that finds approximate nearest neighbours, in Annoy's file format.
  #
  # It is not built (items are added), built, or loaded from a file. Any thread may call any method:
  # methods that only read the index run at the same time, methods that change it wait until no
  # other call uses it. The collector frees an index that nobody closes. After {#close} every method
  # raises {ClosedError}.
  #
  # It is Enumerable over its items' vectors, in order of their ids; missing items read as zeros.
  class Index
    include Enumerable
    include Search
    include Files
    include Shards
    include Bytes
    include Labels
    include Inspection

    # @return [Integer] length of the vectors: numbers, or bits for hamming
    attr_reader :f

    # @return [String] "angular", "euclidean", "manhattan", "dot" or "hamming"
    attr_reader :metric

    # @return [String] what is stored: "float32" or "float64", for hamming words of "uint64",
    #   "uint32" or "uint8"
    attr_reader :dtype

    # @return [Integer] width of ids in the file: 32 or 64
    attr_reader :id_bits

    # Opens a file that says what it is: metric, f and types are those of the file. (For files by
    # Annoy itself make an index and load them; {Annoy.probe} helps.)
    #
    # @param path [String, Pathname]
    # @param prefault [Boolean] read the file in at once
    # @param copy [Boolean] copy it to memory instead of mapping it
    # @param partial [Boolean] leave shards of a directory out that are not there
    # @yieldparam index [Index] closed after the block
    # @return [Index] or what the block gives
    # @raise [FileError]
    def self.open(path, prefault: false, copy: false, partial: false)
      index = allocate
      index.__send__(:adopt) do |to, error|
        Native.annoy_open(Files.path(path), Files.flags(prefault, copy, partial) | Native::ANNOY_UNLOCKED, to, error)
      end
      return index unless block_given?

      begin
        yield index
      ensure
        index.close
      end
    end

    # Opens the bytes of a file that says what it is, which are copied. As {open}.
    #
    # @param bytes [String]
    # @return [Index]
    # @raise [FileError]
    def self.from_bytes(bytes)
      index = allocate
      index.__send__(:adopt) { |to, error| Bytes.open(bytes, to, error) }
      index
    end

    # @param f [Integer] length of the vectors: numbers, or bits for hamming
    # @param metric [String, Symbol]
    # @param dtype [String, Symbol, nil] nil for the metric's usual one: "float32", for
    #   hamming "uint64"
    # @param id_bits [Integer] 32 or 64
    # @param seed [Integer, nil] see {#seed}
    # @raise [ArgumentError]
    def initialize(f, metric: "angular", dtype: nil, id_bits: 32, seed: nil)
      make(f, metric, dtype, id_bits)
      seed(seed) if seed
    end

    # Makes the index constant: methods that would change it raise FrozenError. It can
    # still be closed.
    #
    # @return [self]
    # @!method freeze

    # @return [Integer] the largest id plus one, missing items included
    def n_items
      @handle.get(:annoy_get_n_items)
    end
    alias size n_items
    alias length n_items

    # @return [Integer] trees, 0 before the build
    def n_trees
      @handle.get(:annoy_get_n_trees)
    end

    # Adds an item, or replaces it. Space is taken for all ids up to the largest.
    #
    # @param item [Integer] its id
    # @param vector (see Search#search)
    # @return [true]
    # @raise [ArgumentError, ItemError, StateError, FileError]
    def add_item(item, vector)
      kind, bytes, length = Vectors.row(vector, @arrays, @strings)
      scratch = Scratch.take
      vector = scratch.vectors(kind, length, bytes)
      @handle.exclusive do |index|
        Errors.check(Native.add_at_once(index, scratch.item(item), vector, nil, scratch.error), scratch.error)
      end
      scratch.spare
      true
    end

    # Adds many items, all or none.
    #
    # @param vectors (see Search#search_batch)
    # @param ids [Enumerable<Integer>, nil] an id for each; nil: they follow the last item
    # @return [true]
    # @yieldparam done [Integer] how many are added, in the thread of the caller
    # @yieldparam total [Integer]
    # @raise (see #add_item)
    def add_items(vectors, ids: nil, n_threads: -1, &progress)
      rows, ids = rows_and_ids(vectors, ids)
      scratch = Scratch.take
      given = [ids, scratch.vectors(rows.kind, rows.length, rows.bytes, rows.count)]
      if rows.bytes.bytesize < AT_ONCE && progress.nil?
        @handle.change(:annoy_add, *given, nil)
      else
        @handle.change_long(:annoy_add, *given, Work.new(n_threads, &progress))
      end
      scratch.spare
      true
    end

    # Inserts items into a built index without building it anew, all or none: the next search finds
    # them. Many together take less time than one by one. A loaded index needs {#thaw_built} first.
    #
    # Can be interrupted; the index is then as before.
    #
    # @param vectors (see Search#search_batch)
    # @param ids [Enumerable<Integer>, nil] an id for each, each once; nil: they follow the last
    #   item
    # @param labels [Enumerable<String>, Enumerable<Integer>, nil] a label for each
    # @param replace [Boolean] ids may be those of items there are, also of removed ones: these get
    #   other vectors, and keep their labels if they are given none
    # @return [true]
    # @yieldparam (see #build)
    # @raise [ItemError, LabelError, UnsupportedError, ArgumentError, StateError, FileError]
    def insert_items(vectors, ids: nil, labels: nil, replace: false, n_threads: -1, &progress)
      rows, ids = rows_and_ids(vectors, ids)
      labels = Labels.view(labels.to_a) unless labels.nil?
      scratch = Scratch.take
      given = [ids, scratch.vectors(rows.kind, rows.length, rows.bytes, rows.count), labels]
      flags = replace ? Native::ANNOY_INSERT_REPLACE : 0
      @handle.change_long(:annoy_insert, *given, flags, Work.new(n_threads, &progress))
      scratch.spare
      true
    end

    # Takes the removed items out of trees, graph and scan of a built index without building it
    # anew: no search is led through them any more, they are missing from then on, their labels
    # gone, and their ids can be inserted again. Does nothing when none is removed. Takes less time
    # than a build where few are. A loaded index needs {#thaw_built} first.
    #
    # Can be interrupted; the index is then as before.
    #
    # @yieldparam (see #build)
    # @return [true]
    # @raise [StateError, ArgumentError, FileError]
    def consolidate(n_threads: -1, &progress)
      @handle.change_long(:annoy_consolidate, Work.new(n_threads, &progress))
      true
    end

    # Builds trees, graph and scan of a built index anew, those of them that it has, without the
    # removed items. The bytes are those of a fresh build of what is left. Ids stay as they are;
    # those behind the last item that is left are free again. What {#tune} measured is dropped.
    #
    # Can be interrupted; the index is then as before.
    #
    # @yieldparam (see #build)
    # @return [true]
    # @raise (see #consolidate)
    def compact(n_threads: -1, &progress)
      @handle.change_long(:annoy_compact, Work.new(n_threads, &progress))
      true
    end

    # Takes room for `n_items` items ahead of need; their number stays as it is.
    #
    # @return [true]
    # @raise [StateError, ArgumentError, FileError]
    def reserve(n_items)
      @handle.change(:annoy_reserve, natural(n_items))
      true
    end

    # A copy of an item's vector; zeros and ones for hamming.
    #
    # @return [Array<Numeric>]
    # @raise [ItemError]
    def get_item(item)
      get(item, @arrays, @lengths[0])
    end

    # A copy of an item's bits in words of 64, the first bit in the least significant
    # place (hamming).
    #
    # @return [Array<Integer>]
    # @raise [ItemError, UnsupportedError]
    def get_words(item)
      get(item, Vectors::WORDS, (f + 63) / 64)
    end

    # As {#get_item}; negative ids count from the end.
    #
    # @return (see #get_item)
    # @raise (see #get_item)
    def [](item)
      get_item(item.negative? ? item + n_items : item)
    end

    # @yieldparam vector [Array<Numeric>]
    # @return [self, Enumerator]
    def each
      return to_enum { n_items } unless block_given?

      n_items.times { |item| yield get_item(item) }
      self
    end

    # The distance between two items; for dot their inner product.
    #
    # @return [Float, Integer] an Integer for hamming
    # @raise [ItemError]
    def get_distance(i, j)
      distance = Native.memory(:double)
      @handle.read(:annoy_get_distance, i, j, distance)
      numbers([distance.get_double(0)]).first
    end

    # Sets the seed of the next build; it stays through save, load and unload.
    #
    # @return [nil]
    def seed(seed)
      seed = Integer(seed) & (2**64 - 1)
      @handle.change(:annoy_set_seed, seed)
      @seed = seed
      nil
    end

    # Builds `n_trees` trees (-1: until there are twice as many nodes as items) by `n_threads`
    # threads (-1: one per processor). The same items, seed and number of trees give the same file,
    # for any number of threads.
    #
    # Can be interrupted; the index is then as before.
    #
    # @yieldparam done [Integer] how far it is, in the thread of the caller, of `total`
    # @yieldparam total [Integer]
    # @return [true]
    # @raise [StateError, ArgumentError, FileError]
    def build(n_trees = -1, n_threads: -1, &progress)
      @handle.change_long(:annoy_build_trees, n_trees, Work.new(n_threads, &progress))
      true
    end

    # Builds a graph over the items of a built or loaded index; it replaces an older graph. Searches
    # then use it, and find more in less time. It is saved with the index, where Annoy does not see
    # it. The graph goes when the trees go. The same index and options give the same file, for any
    # number of threads. nil and 0 stand for the default.
    #
    # Can be interrupted; the index is then as before.
    #
    # @param degree [Integer, nil] most neighbours of an item, 1 to 255; by default 32
    # @param candidates [Integer, nil] nearest neighbours they are chosen from, 1 to
    #   1,024; by default 48
    # @param alpha [Numeric, nil] slack of that choice, 1 to 16: with more, longer ways are kept
    #   beside short ones; by default 1.2
    # @param rounds [Integer, nil] most rounds of NN-descent, 1 to 1,000, -1 for none; by default 6
    # @param sample [Integer, nil] neighbours that a round takes of a list, 1 to 255; by default 12
    # @param n_trees [Integer, nil] trees whose leaves are made use of; by default 10
    # @yieldparam (see #build)
    # @return [true]
    # @raise [StateError, ArgumentError, FileError]
    def build_graph(degree: nil, candidates: nil, alpha: nil, rounds: nil, sample: nil, n_trees: nil, n_threads: -1, &progress)
      options = graph_options(degree: degree, candidates: candidates, alpha: alpha, rounds: rounds, sample: sample,
                              n_trees: n_trees)
      @handle.change_long(:annoy_build_graph, options, Work.new(n_threads, &progress))
      true
    end

    # Puts the items of a built or loaded index into lists of near ones; they replace older lists.
    # Searches read lists in a row: with `way: :scan`, and by default where there is no graph. They
    # are saved with the index, where Annoy does not see them. They go when the trees go. The same
    # index gives the same file, for any number of threads. Not for manhattan and hamming.
    #
    # Can be interrupted; the index is then as before.
    #
    # @yieldparam (see #build)
    # @return [true]
    # @raise [StateError, UnsupportedError, ArgumentError, FileError]
    def build_scan(n_threads: -1, &progress)
      @handle.change_long(:annoy_build_scan, Work.new(n_threads, &progress))
      true
    end

    # Builds a graph or a scan, whichever is expected to find so much of the nearest in less time,
    # in place of both; then measures it, as {#tune}. The same index gives the same file, for any
    # number of threads.
    #
    # Can be interrupted; the index is then as before.
    #
    # @param recall [Numeric, nil] the share of the nearest to be found; by default 0.95
    # @yieldparam (see #build)
    # @return [true]
    # @raise [StateError, ArgumentError, FileError]
    def build_auto(recall = nil, n_threads: -1, &progress)
      @handle.change_long(:annoy_build_auto, Float(recall || 0), Work.new(n_threads, &progress))
      true
    end

    # Measures what share of the nearest ten searches find, by how much they look at, so that they
    # can be asked for a `recall`. What they go through by default is measured: the graph where
    # there is one, else the scan, else the trees. The measurement is saved with the index, where
    # Annoy does not see it. It goes when trees, graph or scan are built anew.
    #
    # Can be interrupted; the index is then as before.
    #
    # @param queries [Array<Array<Numeric>>, String, Numo::NArray, nil] vectors such as will be
    #   searched for, as {#search_batch} takes them; by default 512 of the items
    # @yieldparam (see #build)
    # @return [true]
    # @raise [StateError, ArgumentError, FileError]
    def tune(queries = nil, n_threads: -1, &progress)
      rows = queries && Vectors.rows(queries, @arrays, @strings, @lengths)
      scratch = Scratch.take
      view = rows && scratch.vectors(rows.kind, rows.length, rows.bytes, rows.count)
      @handle.change_long(:annoy_tune, view, Work.new(n_threads, &progress))
      scratch.spare
      true
    end

    # Takes the trees away, so that items can be added and trees built again.
    #
    # @return [true]
    # @raise [StateError, FileError]
    def unbuild
      @handle.change(:annoy_unbuild)
      true
    end

    # Makes it possible to add items, whatever the state of the index: copies the items of a loaded
    # index to memory, unbuilds a built one.
    #
    # @return [true]
    # @raise [FileError, ArgumentError]
    def thaw
      @handle.change(:annoy_thaw, 0)
      true
    end

    # Copies a loaded index to memory with its trees, graph and scan, so that items can be inserted.
    #
    # @return [true]
    # @raise [StateError, FileError]
    def thaw_built
      @handle.change(:annoy_thaw, Native::ANNOY_THAW_BUILT)
      true
    end

    # Drops items, trees, metadata, labels and file.
    #
    # @return [nil]
    def unload
      @handle.change(:annoy_unload)
      nil
    end

    # Frees the index, once calls under way in other threads are done. A second time
    # it does nothing.
    #
    # @return [nil]
    def close
      @handle.close
      nil
    end

    # @return [Boolean]
    def closed?
      @handle.closed?
    end

    # @return [String] what it is, not its items
    def inspect
      what = closed? ? "closed" : "#{n_items} items, #{n_trees} trees"
      "#<#{self.class} f=#{f}, metric=#{metric}, dtype=#{dtype}, #{what}>"
    end
    alias to_s inspect

    private

    # Packed vectors, and as many packed ids; none for those behind the last item.
    def rows_and_ids(vectors, ids)
      rows = Vectors.rows(vectors, @arrays, @strings, @lengths)
      ids = Vectors.ids(ids) unless ids.nil?
      unless ids.nil? || ids.bytesize == rows.count * 8
        raise ArgumentError, "the number of ids is #{ids.bytesize / 8}, expected one for each of #{rows.count} rows"
      end

      [rows, ids]
    end

    # Rows of fewer bytes are added before a thread for it would have started.
    AT_ONCE = 1 << 20
    private_constant :AT_ONCE

    def make(f, metric, dtype, id_bits)
      raise ArgumentError, "f is #{f.inspect}, expected an Integer of at least 1" unless f.is_a?(Integer) && f.positive?

      options = Native::AnnoyOptions.new
      options[:struct_size] = Native::AnnoyOptions.size
      options[:metric] = Types.metric_number(metric)
      options[:scalar] = Types.scalar_number(dtype)
      options[:id_bits] = id_bits
      options[:flags] = Native::ANNOY_UNLOCKED
      options[:f] = f
      adopt { |index, error| Native.annoy_new_with(options, index, error) }
    end

    def graph_options(**given)
      options = Native::AnnoyGraphOptions.new
      options[:struct_size] = Native::AnnoyGraphOptions.size
      given.compact.each do |name, value|
        unless value.is_a?(name == :alpha ? Numeric : Integer)
          raise ArgumentError, "#{name} is #{value.inspect}, expected a number, or nil for the default"
        end

        options[name] = value
      end
      options
    end

    # Takes over the index that a call makes, and asks it what it is.
    def adopt
      index = Native.memory(:pointer)
      Errors.call { |error| yield index, error }
      index = index.get_pointer(0)
      @handle = Handle.new(index, self)
      @f = Native.annoy_get_f(index)
      @metric = Types.metric_name(Native.annoy_get_fact(index, Native::ANNOY_FACT_METRIC))
      options = Native::AnnoyOptions.new
      options[:struct_size] = Native::AnnoyOptions.size
      Errors.call { |error| Native.annoy_get_options(index, options, error) }
      @dtype = Types.scalar_name(options[:scalar])
      @id_bits = options[:id_bits]
      @hamming = @metric == "hamming"
      choose_kinds
    end

    # What Arrays and what Strings are for this index, and how long vectors of each are.
    def choose_kinds
      @arrays = @dtype == "float64" ? Vectors::DOUBLE : Vectors::FLOAT
      @strings = @hamming ? Vectors::WORDS : @arrays
      @lengths = [f, @hamming ? (f + 63) / 64 : f]
    end

    def get(item, kind, length)
      scratch = Scratch.take
      room = scratch.filled(kind, length) do |to|
        @handle.shared do |index|
          Errors.check(Native.annoy_get_vectors(index, scratch.item(item), to, scratch.error), scratch.error)
        end
      end
      vector = room.public_send(kind.read, 0, length)
      scratch.spare
      vector
    end
  end
end
