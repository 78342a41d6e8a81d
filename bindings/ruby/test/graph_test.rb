# frozen_string_literal: true

require_relative "helper"

# The neighbour graph: built, searched, saved, dropped.
class GraphTest < Minitest::Test
  include Helper

  SMALL = { degree: 7, candidates: 12, alpha: 1.5, rounds: 2, sample: 5, n_trees: 3 }.freeze

  # So few candidates that forest and graph find others.
  def found(index, **options)
    index.search_items(0...50, 10, search_k: 20, **options)
  end

  def test_searched_saved_and_dropped
    index = built(3)
    of_forest = found(index)
    assert_equal 0, index.info[:graph_degree]
    assert_equal true, index.build_graph(**SMALL, n_threads: 1)
    assert_equal 7, index.info[:graph_degree]
    of_graph = found(index, way: :graph)
    refute_equal of_forest, of_graph
    assert_equal of_graph, found(index)
    assert_equal of_forest, found(index, way: :forest)
    assert_equal of_graph.map(&:first), index.search_item(0, 10, search_k: 20, way: :graph)
    index.save(file)
    Annoy.open(file) do |loaded|
      assert_equal [7, []], [loaded.info[:graph_degree], loaded.verify]
      assert_equal of_graph, found(loaded, way: :graph)
      assert loaded.build_graph(degree: 0, rounds: -1)
      assert_operator loaded.info[:graph_degree], :>, 0
      assert loaded.build_graph(**SMALL, n_threads: 2)
      assert_equal index.to_bytes, loaded.to_bytes
    end
    index.unbuild
    index.build(3)
    assert_equal [0, of_forest], [index.info[:graph_degree], found(index)]
  end

  def test_what_info_says
    index = built
    told = ->(of) { of.info.values_at(:graph_code_bytes, :graph_recall) }
    assert_equal [0, nil], told[index]
    index.build_graph
    bytes, recall = told[index]
    assert_operator bytes, :>=, 0
    assert_includes 0.5..1.0, recall
    index.save(file)
    Annoy.open(file) { |loaded| assert_equal [bytes, recall], told[loaded] }
    index.unbuild
    assert_equal [0, nil], told[index]
  end

  def test_options_that_cannot_be
    index = built
    { degree: 256, candidates: 1025, alpha: 0.5, rounds: -2, sample: 256, n_trees: -1 }.each do |name, wrong|
      [wrong, "3"].each do |value|
        error = assert_raises(Annoy::ArgumentError, name) { index.build_graph(name => value) }
        assert_includes error.message, value.inspect
        assert_includes error.message, name.to_s
      end
    end
    assert_raises(Annoy::ArgumentError) { index.build_graph(degree: 2.5) }
    assert_raises(Annoy::ArgumentError) { index.build_graph(n_threads: -2) }
    assert_equal 0, index.info[:graph_degree]
    error = assert_raises(Annoy::ArgumentError) { index.search_item(0, 1, way: :exact) }
    assert_match(/way is :exact, expected one of \[:forest, :graph, :scan\]/, error.message)
    error = assert_raises(Annoy::ArgumentError) { index.search_item(0, 1, way: :forest, exact: true) }
    assert_match(/exact and way/, error.message)
  end

  def test_where_there_is_none
    index = built
    assert_raises(Annoy::StateError) { index.search_item(0, 1, way: :graph) }
    index.unbuild
    assert_raises(Annoy::StateError) { index.build_graph }
  end
end
