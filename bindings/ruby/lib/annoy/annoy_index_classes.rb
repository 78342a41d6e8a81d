# frozen_string_literal: true

module Annoy
  # The classes that annoy-rb's AnnoyIndex is made of, which take their arguments by
  # position: AnnoyIndexAngular and so on, for float64 and, with Float32 behind, for float32.
  # See {AnnoyIndex}.
  module AnnoyIndexClasses
    # @private
    module ByPosition
      def build(n_trees, n_jobs)
        super(n_trees, n_jobs: n_jobs)
      end

      def save(filename, prefault)
        super(filename, prefault: prefault)
      end

      def load(filename, prefault)
        super(filename, prefault: prefault == true)
      end

      def get_nns_by_item(i, n, search_k, include_distances)
        super(i, n, search_k: search_k, include_distances: include_distances)
      end

      def get_nns_by_vector(v, n, search_k, include_distances)
        super(v, n, search_k: search_k, include_distances: include_distances)
      end

      def get_f
        n_features
      end

      def get_n_items
        n_items
      end

      def get_n_trees
        n_trees
      end

      def set_seed(seed)
        seed(seed)
      end
    end
  end
  private_constant :AnnoyIndexClasses

  {
    "Angular" => "angular", "DotProduct" => "dot", "Hamming" => "hamming", "Euclidean" => "euclidean", "Manhattan" => "manhattan"
  }.each do |name, metric|
    %w[float64 float32].each do |dtype|
      next if metric == "hamming" && dtype == "float32"

      made = Class.new(AnnoyIndex) do
        define_method(:initialize) { |n_features| super(n_features: n_features, metric: metric, dtype: dtype) }
        include AnnoyIndexClasses::ByPosition
      end
      const_set("AnnoyIndex#{name}#{'Float32' if dtype == 'float32'}", made)
    end
  end
end
