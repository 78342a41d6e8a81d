# frozen_string_literal: true

require_relative "helper"

# Items, trees, states, and what callers may hand over.
class IndexTest < Minitest::Test
  include Helper

  def test_both_names_are_the_same_library
    assert_equal Annoy::VERSION, Annoy.library_version
    assert_includes [true, false], require("annoy")
    assert_match(/avx512|avx2|sse2|dotprod|neon|portable/, Annoy.kernel_name)
  end

  def test_types
    index = Annoy::Index.new(3)
    assert_equal [3, "angular", "float32", 32], [index.f, index.metric, index.dtype, index.id_bits]
    index = Annoy::Index.new(70, metric: :hamming, dtype: :uint8, id_bits: 64)
    assert_equal [70, "hamming", "uint8", 64], [index.f, index.metric, index.dtype, index.id_bits]
    [[0], [-1], [nil], [1.5], ["3"], [2**40]].each do |f|
      assert_raises(Annoy::ArgumentError, f.inspect) { Annoy::Index.new(*f) }
    end
    assert_raises(Annoy::ArgumentError) { Annoy::Index.new(3, metric: "cosinus") }
    assert_raises(Annoy::ArgumentError) { Annoy::Index.new(3, dtype: "float16") }
    assert_raises(Annoy::ArgumentError) { Annoy::Index.new(3, dtype: "uint64") }
    assert_raises(Annoy::ArgumentError) { Annoy::Index.new(3, id_bits: 16) }
  end

  def test_items_by_array_string_and_row
    given = vectors
    packed = Annoy::Index.new(F, metric: "euclidean")
    packed.add_items(given.flatten.pack("f*"))
    each = Annoy::Index.new(F, metric: "euclidean")
    given.each_with_index { |vector, item| each.add_item(item, item.odd? ? vector : vector.pack("f*")) }
    [packed, each].each do |index|
      assert_equal built.to_a, index.to_a
      index.build(5)
      index.save(file)
      same = File.binread(file)
      built.save(file("other"))
      assert_equal File.binread(file("other")), same
    end
  end

  def test_items_with_ids_in_any_enumerable
    index = Annoy::Index.new(2)
    index.add_items([[1, 2], [3, 4]], ids: [5, 2].each)
    assert_equal [6, [3.0, 4.0], [1.0, 2.0], [0.0, 0.0]], [index.n_items, index[2], index[-1], index[0]]
    index.add_items([[7, 8]].to_enum)
    assert_equal [7.0, 8.0], index[6]
    assert_raises(Annoy::ArgumentError) { index.add_items([[1, 2], [3, 4]], ids: [1]) }
    index.add_items([])
    assert_equal 7, index.n_items
  end

  def test_float64_keeps_doubles
    index = Annoy::Index.new(2, metric: "euclidean", dtype: "float64")
    index.add_items([[0.1, 0.2], [0.1, 0.3]])
    assert_equal [0.1, 0.2], index[0]
    index.add_item(2, [1e-300, 0.5].pack("d*"))
    assert_equal [1e-300, 0.5], index[2]
  end

  def test_hamming_by_bits_and_by_words
    bits = Array.new(70) { |i| i % 3 == 0 ? 1 : 0 }
    word = bits.first(64).each_with_index.sum { |bit, i| bit << i }
    rest = bits.drop(64).each_with_index.sum { |bit, i| bit << i }
    index = Annoy::Index.new(70, metric: "hamming")
    index.add_item(0, bits)
    index.add_item(1, [word, rest].pack("Q*"))
    index.add_items([bits.map { |bit| 1 - bit }])
    assert_equal [word, rest], index.get_words(0)
    assert_equal bits, index.get_item(1)
    assert_equal [0, 70], [index.get_distance(0, 1), index.get_distance(0, 2)]
    assert_kind_of Integer, index.get_distance(0, 1)
    index.build(2)
    assert_equal [[0, 1, 2], [0, 0, 70]], index.search(bits, 3)
    assert_equal [[0, 1, 2], [0, 0, 70]], index.search([word, rest].pack("Q*"), 3)
    assert index.search(bits, 3)[1].all?(Integer)
  end

  def test_wrong_vectors_are_refused_and_change_nothing
    index = Annoy::Index.new(2)
    [[1.0], [1.0, 2.0, 3.0], [], "abc", "12345678" * 2, nil, 7, { 1 => 2 }, [Float::NAN, 1.0], [1e300, 1.0]].each do |vector|
      assert_raises(Annoy::ArgumentError, vector.inspect) { index.add_item(0, vector) }
    end
    [["1", "2"], [nil, nil], [[1], [2]]].each do |vector|
      assert_raises(TypeError, vector.inspect) { index.add_item(0, vector) }
    end
    [[[1, 2], [3]], [[1, 2], nil], [[1, 2, 3]], "123", 5, [5], [[1, Float::INFINITY]]].each do |vectors|
      assert_raises(Annoy::ArgumentError, vectors.inspect) { index.add_items(vectors) }
    end
    assert_equal 0, index.n_items
  end

  def test_wrong_ids_are_refused
    index = built
    [-1, N, 2**31, 2**62].each do |id|
      assert_raises(Annoy::ItemError, id.to_s) { index.get_item(id) }
      assert_raises(Annoy::ItemError) { index.get_distance(0, id) }
      assert_raises(Annoy::ItemError) { index.search_item(id) }
      assert_raises(Annoy::ItemError) { index.remove_item(id) }
    end
    assert_raises(RangeError) { index.get_item(2**64) }
    assert_raises(TypeError) { index.get_item(nil) }
    assert_raises(Annoy::ItemError) { index[-N - 1] }
    index = Annoy::Index.new(2)
    [[2**64], [-1], ["0"], [nil], [0.5]].each do |ids|
      assert_raises(Annoy::ItemError, ids.inspect) { index.add_items([[1, 2]], ids: ids) }
    end
    assert_equal 0, index.n_items
  end

  def test_words_out_of_range_are_refused
    index = Annoy::AnnoyIndex.new(n_features: 1, metric: "hamming")
    [2**64, -1, 1.5, "1", nil].each { |word| assert_raises(Annoy::ArgumentError, word.inspect) { index.add_item(0, [word]) } }
    assert_raises(Annoy::ArgumentError) { Annoy::Index.new(70, metric: "hamming").add_item(0, [0, 64].pack("Q*")) }
  end

  def test_enumerable
    index = built
    assert_equal vectors.first.map { |x| [x].pack("f").unpack1("f") }, index.first
    assert_equal N, index.count
    assert_equal N, index.each.size
    assert_equal [N, N], [index.size, index.length]
    assert_equal N - 1, index.each_with_index.to_a.last.last
    assert_same index, index.each { |vector| assert_equal F, vector.length }
  end

  def test_seed_and_threads
    bytes = [1, 2].map do |n_threads|
      index = Annoy::Index.new(F, seed: 7)
      index.add_items(vectors)
      index.build(4, n_threads: n_threads)
      index.save(file)
      File.binread(file)
    end
    assert_equal(*bytes)
    assert_raises(::ArgumentError) { Annoy::Index.new(F).build(1, n_jobs: 1) }
    index = Annoy::Index.new(F)
    assert_nil index.seed(8)
    index.add_items(vectors)
    index.build(4)
    index.save(file)
    refute_equal bytes[0], File.binread(file)
    assert_equal 8, index.info[:seed]
  end

  # What is legal when: true, or the error. `loaded` is a file.
  STATES = {
    add_item: [true, :state, :state], build: [true, :state, :state], on_disk_build: [:state, :state, :state],
    unbuild: [true, true, :state], save: [:state, true, true], save_and_load: [:state, true, true], load: [true, true, true],
    unload: [true, true, true], thaw: [true, true, true], to_bytes: [:state, true, true], load_bytes: [true, true, true],
    reserve: [true, :state, :state], search: [true, true, true], search_item: [true, true, true],
    search_batch: [true, true, true], estimate_recall: [:state, true, true], verify: [:state, true, true],
    get_item: [true, true, true], get_distance: [true, true, true], seed: [true, true, true], set_label: [true, true, true],
    remove_item: [true, true, true], info: [true, true, true], metadata: [true, true, true]
  }.freeze

  def test_states
    built.save(file("saved"))
    arguments = {
      add_item: [0, vectors[0]], build: [2], on_disk_build: [file("disk")], save: [file("new")], save_and_load: [file("new")],
      load: [file("saved")], search: [vectors[0]], search_item: [0], search_batch: [[vectors[0]]], get_item: [0],
      load_bytes: [built.to_bytes], reserve: [1000], get_distance: [0, 1], seed: [1], set_label: [0, "a"], remove_item: [0]
    }
    STATES.each do |method, legal|
      %i[unbuilt_index built loaded_index].zip(legal).each do |state, expected|
        index = __send__(state)
        call = -> { index.public_send(method, *arguments[method]) }
        expected == true ? call.call : assert_raises(Annoy::StateError, "#{method} #{state}", &call)
      end
    end
  end

  def unbuilt_index
    index = Annoy::Index.new(F, metric: "euclidean")
    index.add_items(vectors)
    index
  end

  def loaded_index
    index = Annoy::Index.new(F, metric: "euclidean")
    index.load(file("saved"))
    index
  end

  def test_return_values
    index = Annoy::Index.new(F, metric: "euclidean")
    assert_equal [true, true, true], [index.add_item(0, vectors[0]), index.add_items(vectors.drop(1)), index.build(3)]
    assert_equal [true, true, true], [index.save(file), index.load(file), index.save_and_load(file("two"))]
    assert_equal [nil, nil, nil], [index.seed(1), index.verbose(false), index.unload]
    assert_equal [true], [index.unbuild]
    assert_equal [nil, nil], [index.close, index.close]
  end

  def test_reserve
    index = Annoy::Index.new(2)
    assert_equal true, index.reserve(1000)
    assert_equal 0, index.n_items
    [-1, nil, 2**62].each { |n| assert_raises(Annoy::ArgumentError, Annoy::OutOfMemoryError) { index.reserve(n) } }
  end

  def test_inspect
    index = built
    assert_equal "#<Annoy::Index f=8, metric=euclidean, dtype=float32, 300 items, 5 trees>", index.inspect
    index.close
    assert_equal "#<Annoy::Index f=8, metric=euclidean, dtype=float32, closed>", index.to_s
  end

  def test_ids_that_are_there
    index = Annoy::Index.new(2, metric: "l2")
    assert_equal [], index.ids
    index.add_items([[1, 2], [3, 4], [5, 6]], ids: [2, 5, 9])
    index.remove_item(5)
    expected = [[2, 9], [false, true, false, false, true, false], 10]
    look = ->(one) { [one.ids, [0, 2, 5, 8, 9, 10].map { |id| one.has_item?(id) }, one.n_items] }
    assert_equal expected, look.call(index)
    index.build(1)
    index.save(file)
    assert_equal expected, look.call(Annoy.open(file))
    refute index.has_item?(-1)
    assert_raises(RangeError) { index.has_item?(2**70) }
  end

  def test_names_of_metrics
    { "cosine" => "angular", l2: "euclidean", "l1" => "manhattan", "cityblock" => "manhattan", "taxicab" => "manhattan",
      "dotproduct" => "dot", "inner" => "dot", "innerproduct" => "dot" }.each do |alias_name, name|
      assert_equal name, Annoy::Index.new(2, metric: alias_name).metric
    end
    error = assert_raises(Annoy::ArgumentError) { Annoy::Index.new(2, metric: "cos") }
    assert_match(/cos.*angular.*cosine/, error.message)
  end

  def test_a_frozen_index_is_not_changed
    index = built.freeze
    answer = index.search(vectors[0], 3)
    changes = [:unbuild, :unload, :thaw, :build, :build_graph, :build_scan, :build_auto, :tune, :clear_labels, :on_log,
               [:add_item, 0, [0] * F], [:add_items, vectors], [:reserve, 1000], [:seed, 1], [:set_label, 0, "x"],
               [:set_labels, %w[a b]], [:clear_label, 0],
               [:remove_item, 0], [:restore_item, 0], [:load, file], [:save_and_load, file], [:on_disk_build, file],
               [:load_bytes, index.to_bytes], [:metadata=, "x"], [:verbose, true]]
    changes.each do |call|
      error = assert_raises(FrozenError, call.inspect) { index.public_send(*call) }
      assert_same index, error.receiver
    end
    assert_raises(FrozenError) { Annoy::Index.new(2).clone(freeze: true).add_item(0, [1, 2]) }
    assert_equal [answer, 0, [0]], [index.search(vectors[0], 3), index.n_labels, index.search_item(0, 1)[0]]
    assert index.save(file)
    assert Annoy::Index.new(F, metric: "euclidean").load(file)
    copy = index.dup
    assert copy.unload.nil?
    index.close
    assert index.closed?
    assert_raises(Annoy::ClosedError) { index.seed(1) }
  end
end
