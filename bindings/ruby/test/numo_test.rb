# frozen_string_literal: true

require_relative "helper"

begin
  require "numo/narray"
rescue LoadError
  require_relative "numo_stand_in"
end

# Numo::NArray, or where numo-narray is not installed (Debian has no package of it) what
# stands in for it.
class NumoTest < Minitest::Test
  include Helper

  def setup
    @array = Numo::DFloat.cast(vectors)
    @index = Annoy::Index.new(F, metric: "euclidean")
    @index.add_items(@array)
    @index.build(5)
  end

  def test_rows_and_queries
    assert_equal built.to_a, @index.to_a
    assert_equal built.search(vectors[3]), @index.search(Numo::DFloat.cast(vectors[3]))
    assert_equal built.search(vectors[3]), @index.search(Numo::SFloat.cast(vectors[3]))
    assert_equal built.search_batch(vectors.first(9)), @index.search_batch(Numo::SFloat.cast(vectors.first(9)))
    whole = Numo::Int32.cast([1, 2, 3, 4, 5, 6, 7, 8])
    assert_equal @index.search(whole.to_a), @index.search(whole)
  end

  def test_ids
    index = Annoy::Index.new(F)
    index.add_items(@array, ids: Numo::Int32.cast((0...N).to_a.reverse))
    assert_equal @index[0], index[N - 1]
    assert_equal @index.search_items([3, 4]), @index.search_items(Numo::Int64.cast([3, 4]))
  end

  def test_float64
    index = Annoy::Index.new(2, dtype: "float64")
    index.add_items(Numo::DFloat.cast([[0.1, 0.2]]))
    assert_equal [0.1, 0.2], index[0]
  end

  def test_hamming
    index = Annoy::Index.new(66, metric: "hamming")
    index.add_items(Numo::UInt64.cast([[5, 1], [7, 0]]))
    index.add_item(2, Numo::UInt8.cast([1, 0] * 33))
    assert_equal [5, 1], index.get_words(0)
    assert_equal [1, 0] * 33, index[2]
    words = Annoy::AnnoyIndex.new(n_features: 1, metric: "hamming")
    words.add_items(Numo::Int64.cast([[3], [1]]))
    assert_equal [3], words.get_item(0)
  end

  def test_wrong_shapes
    [Numo::DFloat.cast([1.0]), @array, Numo::DFloat.cast([[1, 2, 3, 4], [5, 6, 7, 8]]), Numo::DFloat.cast([])].each do |array|
      assert_raises(Annoy::ArgumentError) { @index.search(array) }
    end
    assert_raises(Annoy::ArgumentError) { @index.search_batch(Numo::DFloat.cast(vectors[0])) }
    assert_raises(Annoy::ArgumentError) { @index.search_batch(Numo::DFloat.cast([[1.0]])) }
  end
end
