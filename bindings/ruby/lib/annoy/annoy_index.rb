# frozen_string_literal: true

module Annoy
  # {Index} with the methods, defaults and return values of the gem annoy-rb, for
  # programs written for it.
  #
  # Elements are float64 unless told otherwise; vectors of hamming are Arrays of words of 64 bits,
  # and `n_features` counts those. Everything else that {Index} does is there too.
  class AnnoyIndex < Index
    # @param n_features [Integer] length of the vectors: numbers, or words for hamming
    # @param metric [String] 'angular', 'dot', 'hamming', 'euclidean', or 'manhattan'
    # @param dtype [String] 'float64' or 'float32'; 'uint64' for hamming, whatever is given
    # @raise [ArgumentError]
    def initialize(n_features:, metric: "angular", dtype: "float64")
      raise ArgumentError, "Expect n_features to be Integer." unless n_features.is_a?(Numeric)
      raise ArgumentError, "No such metric: #{metric}." unless %w[angular dot hamming euclidean manhattan].include?(metric)

      n_features = n_features.to_i
      if metric == "hamming"
        super(n_features * 64, metric: metric, dtype: "uint64")
      else
        super(n_features, metric: metric, dtype: dtype == "float64" ? dtype : "float32")
      end
    end

    # @return [Integer] length of the vectors: numbers, or words for hamming
    def n_features
      @lengths[0]
    end

    # @param n_jobs [Integer] as `n_threads` of {Index#build}
    # @return [true]
    # @raise (see Index#build)
    def build(n_trees = -1, n_jobs: -1, n_threads: n_jobs, &progress)
      super(n_trees, n_threads: n_threads, &progress)
    end

    # Saves, and goes on with the new file, as Annoy does: no more items can be added then.
    #
    # @return [true]
    # @raise (see Files#save)
    def save(filename, prefault: false)
      save_and_load(filename, prefault: prefault == true)
    end

    # Searches the n closest items.
    #
    # @param search_k [Integer] the number of nodes inspected; -1 for n * n_trees
    # @param include_distances [Boolean]
    # @return [Array<Integer>, Array(Array<Integer>, Array<Numeric>)] ids, or ids and distances;
    #   none before the build
    def get_nns_by_item(i, n, search_k: -1, include_distances: false)
      answer(include_distances) { search_item(i, search_k.zero? ? 0 : n, search_k: search_k) }
    end

    # Searches the n closest items.
    #
    # @param v (see Search#search)
    # @param (see #get_nns_by_item)
    # @return (see #get_nns_by_item)
    def get_nns_by_vector(v, n, search_k: -1, include_distances: false)
      answer(include_distances) { search(v, search_k.zero? ? 0 : n, search_k: search_k) }
    end

    private

    def answer(include_distances)
      # Without trees the library looks at all of a few items.
      found = @handle.trees? ? yield : [[], []]
      include_distances == true ? found : found.first
    end

    # Arrays are of words.
    def choose_kinds
      super
      return unless @hamming

      @arrays = Vectors::WORDS
      @lengths = [@lengths[1], @lengths[1]]
    end
  end
end
