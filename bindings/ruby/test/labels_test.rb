# frozen_string_literal: true

require_relative "helper"

class LabelsTest < Minitest::Test
  include Helper

  def setup
    @index = built
  end

  def test_strings
    @index.set_labels(%w[null eins zwei], ids: [0, 1, 2])
    @index.set_label(3, "dréi\0x")
    @index.set_label(4, "")
    @index.set_label(5, "f\xFCnf".dup.force_encoding(Encoding::ISO_8859_1))
    assert_equal [:string, 6], [@index.label_kind, @index.n_labels]
    assert_equal ["zwei", nil, "dréi\0x", "", "fünf"], @index.labels([2, 9, 3, 4, 5])
    assert_equal Encoding::UTF_8, @index.label(3).encoding
    assert_equal [3, 4], [@index.find_label("dréi\0x"), @index.find_label("")]
    assert_equal %w[- null], @index.labels([-1, 0], "-")
    @index.save(file)
    Annoy.open(file) { |index| assert_equal [1, "eins"], [index.find_label("eins"), index.label(1)] }
    assert @index.clear_label(0)
    assert_raises(Annoy::LabelError) { @index.label(0) }
    assert_raises(KeyError) { @index.find_label("null") }
  end

  def test_numbers
    @index.set_labels([7, 2**64 - 1])
    assert_equal [:integer, 2], [@index.label_kind, @index.n_labels]
    assert_equal [2**64 - 1, 7, nil], @index.labels([1, 0, 2])
    assert_equal [7, 1], [@index.label(0), @index.find_label(2**64 - 1)]
    assert_raises(Annoy::UnsupportedError) { @index.set_label(0, "a") }
    @index.clear_labels
    assert_nil @index.label_kind
  end

  def test_wrong_labels
    [-1, 2**64, nil, :a, 1.5].each do |label|
      assert_raises(Annoy::ArgumentError, label.inspect) { @index.set_label(0, label) }
      assert_raises(Annoy::ArgumentError, label.inspect) { @index.set_labels([1, label]) }
      assert_raises(Annoy::ArgumentError, label.inspect) { @index.find_label(label) }
    end
    assert_raises(Annoy::ArgumentError) { @index.set_label(0, "\xFF") }
    assert_raises(Annoy::ArgumentError) { @index.set_labels(["a", 1]) }
    assert_raises(Annoy::ArgumentError) { @index.set_labels(%w[a b], ids: [1]) }
    assert_raises(Annoy::LabelError) { @index.set_labels(%w[a a]) }
    assert_raises(Annoy::ItemError) { @index.label(N) }
    assert_equal 0, @index.n_labels
  end

  def test_removal
    ids = @index.search(vectors[0], 3)[0]
    assert @index.remove_item(ids[0])
    assert_equal [true, false, 1], [@index.removed?(ids[0]), @index.removed?(ids[1]), @index.n_removed]
    assert_equal ids[1], @index.search(vectors[0], 3)[0][0]
    assert @index.restore_item(ids[0])
    assert_equal ids, @index.search(vectors[0], 3)[0]
    assert_equal [false, 0], [@index.removed?(-5), @index.n_removed]
  end
end
