# frozen_string_literal: true

require_relative "helper"

# Changing what a built index holds.
class LivingTest < Minitest::Test
  include Helper

  def grown
    index = built
    index.build_graph(degree: 12)
    index
  end

  # Farther away than any of the items are.
  def far(count)
    vectors(count, F, seed: 9).map { |row| row.map { |x| x + 100 } }
  end

  def test_insertion
    index = grown
    before = index.to_bytes
    more = far(100)
    assert_equal true, index.insert_items(more, n_threads: 2)
    assert_equal [N + 7], index.search(more[7], 1)[0]
    index.insert_items(more[0, 2], ids: [500, 499])
    assert_equal 501, index.n_items
    assert_raises(Annoy::ItemError) { index.insert_items(more[0, 1], ids: [3]) }
    assert_raises(Annoy::ArgumentError) { index.insert_items(more[0, 2], ids: [600]) }
    loaded = Annoy::Index.from_bytes(before)
    assert_raises(Annoy::StateError) { loaded.insert_items(more) }
    assert_equal true, loaded.thaw_built
    loaded.insert_items(more)
    loaded.insert_items(more[0, 2], ids: [500, 499])
    assert index.to_bytes == loaded.to_bytes
  end

  def test_replacing_with_labels_along
    index = grown
    index.set_labels(%w[three five], ids: [3, 5])
    index.remove_item(4)
    before = index.to_bytes
    rows, ids = far(3), [3, 4, N]
    assert_raises(Annoy::ItemError) { index.insert_items(rows, ids: ids) }
    assert_raises(Annoy::LabelError) { index.insert_items(rows, ids: ids, labels: %w[3 4 five], replace: true) }
    assert_raises(Annoy::UnsupportedError) { index.insert_items(rows, ids: ids, labels: [1, 2, 3], replace: true) }
    [%w[3], ["3", 4, "5"], [nil, nil, nil]].each do |labels|
      assert_raises(Annoy::ArgumentError) { index.insert_items(rows, ids: ids, labels: labels, replace: true) }
    end
    assert_raises(Annoy::ItemError) { index.insert_items(rows, ids: [3, 4, 3], replace: true) }
    assert before == index.to_bytes

    assert_equal true, index.insert_items(rows, ids: ids, labels: %w[3 4 new], replace: true, n_threads: 2)
    assert_equal ids, rows.map { |row| index.search(row, 1)[0][0] }
    assert_equal %w[3 4 new five], index.labels([3, 4, N, 5])
    refute index.removed?(4)
    # Labels stay where none are given.
    index.insert_items(rows[0, 1], ids: [5], replace: true)
    assert_equal "five", index.label(5)

    numbered = built
    numbered.insert_items(rows, labels: [7, 8, 2**63])
    assert_equal N + 2, numbered.find_label(2**63)
  end

  def test_blocks_that_raise
    index = grown
    assert_raises(KeyError) { index.insert_items(far(3)) { raise KeyError } }
    index.remove_item(0)
    assert_raises(KeyError) { index.consolidate { raise KeyError } }
    assert_raises(KeyError) { index.compact { raise KeyError } }
    assert index.compact
  end

  def test_space_is_given_back
    index = grown
    index.set_label(N - 1, 7)
    whole = index.to_bytes
    assert_equal true, index.consolidate # nothing to do
    assert whole == index.to_bytes
    10.times { |i| index.remove_item(N - 1 - i) }
    before = index.to_bytes
    %i[consolidate compact].each do |call|
      assert_raises(Annoy::ArgumentError) { index.public_send(call, n_threads: -2) }
      assert_raises(Annoy::StateError) { Annoy::Index.from_bytes(before).public_send(call) }
      assert_raises(Annoy::StateError) { Annoy::Index.new(3).public_send(call) }
      assert_raises(FrozenError) { Annoy::Index.from_bytes(before).freeze.public_send(call) }
    end
    assert before == index.to_bytes

    heard = []
    assert_equal(true, index.consolidate(n_threads: 2) { |done, total| heard << (done <= total) })
    assert_operator heard.length, :>, 1
    assert heard.all?
    assert_equal [0, 0, N, false], [index.n_removed, index.n_labels, index.n_items, index.has_item?(N - 1)]
    index.insert_items(far(1), ids: [N - 5])
    index.remove_item(N - 5)
    assert_equal(true, index.compact { |done, total| heard << (done <= total) })
    assert_equal [N - 10, 0], [index.n_items, index.n_removed]
    fresh = Annoy::Index.new(F, metric: "euclidean")
    fresh.add_items(vectors[0, N - 10])
    fresh.build(5)
    fresh.build_graph(degree: 12)
    assert fresh.to_bytes == index.to_bytes
  end
end
