# frozen_string_literal: true

require_relative "helper"

# The bytes of a file without the file.
class BytesTest < Minitest::Test
  include Helper

  def setup
    @index = built
    @index.set_labels(%w[null eins])
    @index.metadata = "mine"
    @index.remove_item(7)
    @answer = @index.search(vectors[3], 5)
  end

  def same?(index)
    [index.search(vectors[3], 5), index.label(1), index.metadata, index.removed?(7)] == [@answer, "eins", "mine", true]
  end

  def test_they_are_those_of_the_file
    @index.save(file)
    bytes = @index.to_bytes
    assert_equal File.binread(file), bytes
    assert_equal Encoding::BINARY, bytes.encoding
    opened = Annoy::Index.from_bytes(bytes)
    bytes.replace("x" * bytes.bytesize)
    GC.start
    assert same?(opened)
    assert_equal [F, "euclidean", "float32"], [opened.f, opened.metric, opened.dtype]
    index = Annoy::Index.new(F, metric: "euclidean")
    assert_equal true, index.load_bytes(File.binread(file))
    assert same?(index)
  end

  def test_wrong_bytes
    ["", "x", "\0" * 1000, @index.to_bytes[0..-2]].each do |bytes|
      assert_raises(Annoy::FileError, Annoy::ArgumentError) { Annoy::Index.from_bytes(bytes) }
      assert_raises(Annoy::FileError, Annoy::ArgumentError) { @index.load_bytes(bytes) }
    end
    assert same?(@index)
    assert_raises(Annoy::StateError) { Annoy::Index.new(2).tap { |index| index.add_item(0, [1, 2]) }.to_bytes }
    assert_raises(TypeError) { Annoy::Index.from_bytes(nil) }
  end

  # What is not built is copied by its items, and builds the same file.
  def test_copies_of_an_index_that_is_not_built
    [["euclidean", "float32"], ["dot", "float64"], ["hamming", "uint64"], ["hamming", "uint8"]].each do |metric, dtype|
      index = Annoy::Index.new(F, metric: metric, dtype: dtype, seed: 77)
      # As Index takes them in Arrays: numbers, or bits.
      rows = metric == "hamming" ? vectors.map { |row| row.map { |x| x.positive? ? 1 : 0 } } : vectors
      index.add_items(rows, ids: (0...N).map { |i| i * 2 })
      index.set_labels(%w[null vier], ids: [0, 4])
      index.remove_item(8)
      index.metadata = "mine"
      copies = [Marshal.load(Marshal.dump(index)), index.dup, index.clone]
      index.build(3)
      copies.each do |copy|
        assert_equal [N * 2 - 1, true, [4], "vier"], [copy.n_items, copy.removed?(8), [copy.find_label("vier")], copy.label(4)]
        copy.build(3)
        assert_equal index.to_bytes, copy.to_bytes, "#{metric} #{dtype}"
      end
    end
  end

  def test_copies_of_an_index_with_numbers_for_labels_and_of_removed_items_only
    index = Annoy::Index.new(2, id_bits: 64)
    index.add_items([[1, 2], [3, 4]])
    index.set_labels([7, 0])
    2.times { |item| index.remove_item(item) }
    copy = index.dup
    assert_equal [2, [7, 0], 2, 64], [copy.n_items, copy.labels([0, 1]), copy.n_removed, copy.id_bits]
    copy.restore_item(1)
    assert_equal [[1], [3.0, 4.0]], [copy.ids, copy.get_item(1)]
    assert_equal 2, index.n_removed
  end

  def test_marshal
    assert same?(Marshal.load(Marshal.dump(@index)))
    empty = Marshal.load(Marshal.dump(Annoy::Index.new(70, metric: "hamming", dtype: "uint8", id_bits: 64)))
    assert_equal [70, "hamming", "uint8", 64, 0], [empty.f, empty.metric, empty.dtype, empty.id_bits, empty.n_items]
    words = Annoy::AnnoyIndex.new(n_features: 1, metric: "hamming")
    words.add_item(0, [5])
    assert_equal [5], Marshal.load(Marshal.dump(words)).get_item(0)
    words.build(1)
    words = Marshal.load(Marshal.dump(words))
    assert_instance_of Annoy::AnnoyIndex, words
    assert_equal [[5], [0], 1], [words.get_item(0), words.get_nns_by_vector([5], 1), words.n_features]
  end

  def test_copies
    copy = @index.dup
    assert same?(copy)
    copy.unload
    assert same?(@index.clone)
    @index.close
    assert_raises(Annoy::ClosedError) { @index.dup }
  end

  def test_thaw
    @index.save(file)
    index = Annoy.open(file)
    assert_raises(Annoy::StateError) { index.add_item(N, vectors[0]) }
    assert_equal true, index.thaw
    assert index.add_item(N, vectors[0])
    assert index.build(5)
    assert_equal ["eins", N + 1], [index.label(1), index.n_items]
    assert index.thaw
    assert_equal 0, index.n_trees
  end
end
