# frozen_string_literal: true

require_relative "helper"

# The lists of a scan: built, searched, saved, dropped.
class ScanTest < Minitest::Test
  include Helper

  CLUSTERS = 40

  # 2,000 vectors around 40 centres.
  def clustered(metric)
    centres = vectors(CLUSTERS, 16, seed: 2)
    rows = vectors(2000, 16).each_with_index.map { |row, i| row.zip(centres[i % CLUSTERS]).map { |x, centre| x * 0.3 + centre } }
    index = Annoy::Index.new(16, metric: metric)
    index.add_items(rows)
    index.build(3)
    index
  end

  def found(index, **options)
    index.search_items((0...50).map { |i| i * 7 }, 10, **options)
  end

  def told(index)
    index.info.values_at(:scan_lists, :scan_search_k, :scan_recall)
  end

  %w[angular euclidean dot].each do |metric|
    define_method("test_searched_saved_and_dropped_#{metric}") do
      index = clustered(metric)
      of_forest = found(index)
      assert_equal [0, 0, nil], told(index)
      assert_equal true, index.build_scan(n_threads: 1)
      lists, search_k, recall = told(index)
      assert_operator lists, :>, 1
      assert_operator search_k, :>, 0
      assert_includes 0.9..1.0, recall
      of_scan = found(index, way: :scan)
      of_few = found(index, way: :scan, search_k: 30)
      hits = of_scan[0].zip(found(index, exact: true)[0]).sum { |ids, truth| (ids & truth).size }
      assert_operator hits, :>=, 450
      refute_equal of_forest, of_few
      assert_equal [of_scan, of_few, of_forest], [found(index), found(index, search_k: 30), found(index, way: :forest)]
      index.save(file)
      Annoy.open(file) do |loaded|
        assert_equal [told(index), []], [told(loaded), loaded.verify]
        assert_equal [of_scan, of_few], [found(loaded, way: :scan), found(loaded, search_k: 30)]
        assert loaded.build_scan(n_threads: 2)
        assert_equal index.to_bytes, loaded.to_bytes
      end
      # Where there is a graph, it goes first.
      index.build_graph
      assert_equal found(index, way: :graph, search_k: 30), found(index, search_k: 30)
      assert_equal of_few, found(index, way: :scan, search_k: 30)
      index.unbuild
      assert_equal [0, 0, nil], told(index)
    end
  end

  def test_where_there_is_none
    index = built
    assert_raises(Annoy::StateError) { index.search_item(0, 1, way: :scan) }
    assert_raises(Annoy::ArgumentError) { index.build_scan(n_threads: -2) }
    index.unbuild
    assert_raises(Annoy::StateError) { index.build_scan }
    error = assert_raises(Annoy::UnsupportedError) { clustered("manhattan").build_scan }
    assert_match(/manhattan/, error.message)
  end
end
