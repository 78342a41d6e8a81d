# frozen_string_literal: true

require_relative "helper"

class SearchTest < Minitest::Test
  include Helper

  # The nearest by hand.
  def nearest(query, n, among = (0...N))
    among.sort_by { |i| vectors_of_f32[i].zip(query).sum { |a, b| (a - b)**2 } }.first(n)
  end

  def vectors_of_f32
    @vectors_of_f32 ||= vectors.map { |vector| vector.pack("f*").unpack("f*") }
  end

  def setup
    @index = built(10)
    @query = vectors_of_f32[17]
  end

  def test_finds_the_nearest
    ids, distances = @index.search(@query, 5, search_k: 10_000)
    assert_equal nearest(@query, 5), ids
    assert_equal distances.sort, distances
    assert_equal 0.0, distances[0]
    assert_equal [ids, distances], @index.search(@query.pack("f*"), 5, search_k: 10_000)
    assert_equal [ids, distances], @index.search_item(17, 5, search_k: 10_000)
    assert_equal 10, @index.search(@query)[0].length
  end

  def test_more_than_there_are
    [N + 5, 5000, 2**40].each { |n| assert_equal N, @index.search(@query, n, search_k: 100_000)[0].length }
    assert_equal [[], []], @index.search(@query, 0)
    assert_equal [[], []], Annoy::Index.new(2).tap(&:build).search([1, 2], 3)
  end

  def test_wrong_arguments
    [-1, nil, 1.5, "3"].each do |n|
      assert_raises(Annoy::ArgumentError, n.inspect) { @index.search(@query, n) }
      assert_raises(Annoy::ArgumentError, n.inspect) { @index.search_item(0, n, exact: true) }
      assert_raises(Annoy::ArgumentError, n.inspect) { @index.search_batch([@query], n) }
    end
    assert_raises(Annoy::ArgumentError) { @index.search(@query, 3, search_k: -2) }
    assert_equal @index.search(@query, 3), @index.search(@query, 3, search_k: 0)
    assert_raises(Annoy::ArgumentError) { @index.search(@query, 3, allow: [1], deny: [2]) }
    assert_raises(Annoy::ArgumentError) { @index.search(@query, 3, allow: [true]) }
    assert_raises(Annoy::ItemError) { @index.search(@query, 3, allow: [N]) }
    assert_raises(Annoy::ItemError) { @index.search(@query, 3, exclude: ["1"]) }
    assert_raises(::ArgumentError) { @index.search(@query, 3, wide: true) }
    assert_raises(Annoy::OutOfMemoryError) { @index.search_batch([@query], 2**62) }
  end

  def test_options
    odd = (0...N).select(&:odd?)
    ids = nearest(@query, 4, odd)
    mask = Array.new(N, &:odd?)
    assert_equal ids, @index.search(@query, 4, exact: true, allow: odd)[0]
    assert_equal ids, @index.search(@query, 4, exact: true, allow: mask)[0]
    assert_equal ids, @index.search(@query, 4, exact: true, deny: (0...N).step(2))[0]
    assert_equal ids, @index.search(@query, 4, exact: true, exclude: (0...N).step(2))[0]
    assert_equal ids, @index.search(@query, 4, exact: true, filter: :odd?.to_proc)[0]
    assert_equal ids - [17], @index.search_item(17, 3, exact: true, exclude_self: true, allow: odd)[0]
    assert_equal [], @index.search(@query, 4, allow: [])[0]
    assert_equal nearest(@query, 4), @index.search(@query, 4, deny: [], exact: true)[0]
    far = @index.search(@query, N, exact: true)[1][20]
    assert_equal 21, @index.search(@query, N, exact: true, max_distance: far)[0].length
  end

  def test_batch
    queries = vectors.first(40)
    alone = queries.map { |query| @index.search(query, 6, search_k: 300) }.transpose
    assert_equal alone, @index.search_batch(queries, 6, search_k: 300)
    assert_equal alone, @index.search_batch(queries.flatten.pack("f*"), 6, search_k: 300, n_threads: 1)
    assert_equal alone, @index.search_items(0...40, 6, search_k: 300)
    assert_equal alone, @index.search_batch(queries, 6, search_k: 300, filter: ->(_) { true })
    assert_equal [[], []], @index.search_batch([], 6)
    assert_equal [[1, 0], [0, 1]], @index.search_items([1, 0], 3, allow: [0, 1])[0]
    assert_raises(Annoy::ItemError) { @index.search_items([0, N], 3) }
    assert_raises(Annoy::ArgumentError) { @index.search_batch([[1.0]], 3) }
  end

  def test_batch_of_float64
    index = built(dtype: "float64")
    queries = vectors.first(10)
    assert_equal queries.map { |query| index.search(query, 3) }.transpose, index.search_batch(queries, 3)
    assert_equal queries.map { |query| index.search(query, 3, exact: true) }.transpose,
                 index.search_batch(queries.flatten.pack("d*"), 3, exact: true)
  end

  def test_recall
    assert_equal 1.0, @index.estimate_recall(n: 5, search_k: 100_000)
    assert_operator @index.estimate_recall(n: 10, search_k: 10), :<, 0.9
  end
end
