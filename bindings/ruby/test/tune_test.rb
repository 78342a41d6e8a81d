# frozen_string_literal: true

require_relative "helper"

# A recall in place of search_k; building what is fastest.
class TuneTest < Minitest::Test
  include Helper

  WIDTH = 12

  def tunable(metric = "angular")
    index = Annoy::Index.new(WIDTH, metric: metric)
    index.add_items(vectors(4000, WIDTH))
    index.build(4)
    index
  end

  def queries
    @queries ||= vectors(100, WIDTH, seed: 9)
  end

  def hits(index, **options)
    found, truth = index.search_batch(queries, 10, **options)[0], index.search_batch(queries, 10, exact: true)[0]
    found.zip(truth).sum { |ids, true_ids| (ids & true_ids).size } / 1000.0
  end

  def test_a_recall
    index = tunable
    assert_equal 0, index.info[:n_tuned]
    assert_raises(Annoy::StateError) { index.search(queries[0], 3, recall: 0.9) }
    assert_equal true, index.tune(n_threads: 2)
    assert_equal 512, index.info[:n_tuned]
    assert_operator hits(index, recall: 0.8), :>, 0.75
    assert_operator hits(index, recall: 0.95), :>, 0.92
    assert_equal 1, hits(index, recall: 1)
    index.tune(queries)
    assert_equal 100, index.info[:n_tuned]
    assert_operator hits(index, recall: 0.9), :>, 0.88
    index.save(file)
    Annoy.open(file) do |loaded|
      assert_equal 100, loaded.info[:n_tuned]
      assert_equal index.search(queries[0], 10, recall: 0.95), loaded.search(queries[0], 10, recall: 0.95)
    end
  end

  def test_what_cannot_be
    index = tunable("euclidean")
    assert_raises(Annoy::ArgumentError) { index.tune(vectors(3, 5)) }
    assert_raises(Annoy::ArgumentError) { index.build_auto(1.5) }
    index.tune
    [-1, 1.01, Float::NAN].each do |wrong|
      assert_raises(Annoy::ArgumentError) { index.search(queries[0], 3, recall: wrong) }
    end
    assert_raises(Annoy::ArgumentError) { index.search(queries[0], 3, search_k: 50, recall: 0.9) }
    assert_raises(Annoy::StateError) { Annoy::Index.new(3).tune }
    assert_raises(KeyError) { index.tune { raise KeyError } }
  end

  %w[angular manhattan].each do |metric|
    define_method("test_what_is_fastest_#{metric}") do
      index = tunable(metric)
      assert_equal true, index.build_auto(n_threads: 1)
      refute_equal index.info[:graph_degree].positive?, index.info[:scan_lists].positive?
      assert_operator hits(index, recall: 0.95), :>, 0.9
      bytes = index.to_bytes
      index.build_auto(0.95, n_threads: 2)
      assert_equal bytes, index.to_bytes
    end
  end
end
