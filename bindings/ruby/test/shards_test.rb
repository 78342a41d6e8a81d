# frozen_string_literal: true

require_relative "helper"
require "json"

# Directories of shards.
class ShardsTest < Minitest::Test
  include Helper

  def save_line(name, start)
    index = Annoy::Index.new(1, metric: "euclidean")
    index.add_items((start...start + 10).map { |x| [x] })
    index.build(1)
    index.save(file(name))
  end

  def directory
    File.dirname(file)
  end

  def test_opened_as_one_index_and_refreshed
    save_line("a.ann", 0)
    save_line("b.ann", 10)
    assert_equal 1, Annoy::Shards.commit(directory, %w[a.ann b.ann])
    index = Annoy.open(directory)
    assert_equal [20, 2, 0, 1], [index.n_items, index.n_shards, index.n_missing, index.generation]
    assert_equal [12, 13], index.search([12.2], 2)[0]
    assert_raises(Annoy::StateError) { index.add_item(3, [1]) }
    assert_equal 2, Annoy::Shards.commit(directory, [Annoy::Shard.new("a.ann", "left", [3, 4]), "b.ann"], expected: 1, keep: 1)
    assert_equal 2, index.refresh
    assert_equal [2, true], [index.n_removed, index.removed?(4)]
    assert_raises(Annoy::StateError) { Annoy::Shards.commit(directory, %w[a.ann], expected: 1) }
    assert_raises(Annoy::ArgumentError) { Annoy::Shards.commit(directory, %w[../a.ann], expected: 2) }
    File.delete(file("a.ann"))
    assert_raises(Annoy::FileError) { Annoy.open(directory) }
    assert_equal 1, Annoy.open(directory, partial: true, &:n_missing)
  end

  # What Rust made, and finds in it.
  def test_conforms
    here = File.join(ROOT, "tests", "conformance", "shards")
    all = JSON.parse(File.read(File.join(here, "answers.json")))
    index = Annoy.open(File.join(here, "three.annd"))
    assert_equal all["n_items"], index.n_items
    all["searches"].each do |search|
      told = { search_k: search["search_k"] }
      all["queries"].zip(search["by_vector"]) { |query, row| same(row, index.search(query, search["n"], **told)) }
      all["items"].zip(search["by_item"]) { |item, row| same(row, index.search_item(item, search["n"], **told)) }
    end
  end

  def same(row, found)
    assert_equal row.values_at("ids", "distances"), found
  end
end
