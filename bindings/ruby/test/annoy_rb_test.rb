# frozen_string_literal: true

require_relative "helper"
require "open3"
require "rbconfig"

# AnnoyIndex is that of the gem annoy-rb: methods, defaults, return values.
class AnnoyRbTest < Minitest::Test
  include Helper

  GOLDEN = File.join(ROOT, "tests", "golden", "annoy-1.17.3")

  # Method: its parameters in annoy-rb.
  METHODS = {
    add_item: [%i[req i], %i[req v]],
    build: [%i[req n_trees], %i[key n_jobs]],
    save: [%i[req filename], %i[key prefault]],
    load: [%i[req filename], %i[key prefault]],
    unload: [],
    get_nns_by_item: [%i[req i], %i[req n], %i[key search_k], %i[key include_distances]],
    get_nns_by_vector: [%i[req v], %i[req n], %i[key search_k], %i[key include_distances]],
    get_item: [%i[req i]], get_distance: [%i[req i], %i[req j]], n_items: [], n_trees: [],
    on_disk_build: [%i[req filename]], verbose: [%i[req flag]], seed: [%i[req s]],
    n_features: [], metric: [], dtype: []
  }.freeze

  def index_of(metric, dtype = "float64", f: 4)
    Annoy::AnnoyIndex.new(n_features: f, metric: metric, dtype: dtype)
  end

  def test_methods_take_what_they_took
    METHODS.each do |name, parameters|
      method = Annoy::AnnoyIndex.instance_method(name)
      ours = method.parameters
      positional = ours.count { |kind, _| kind == :req || kind == :opt }
      assert_operator positional, :>=, parameters.count { |kind, _| kind == :req }, name
      assert_operator ours.count { |kind, _| kind == :req }, :<=, parameters.count { |kind, _| kind == :req }, name
      assert_empty parameters.select { |kind, _| kind == :key }.map(&:last) - ours.map(&:last), name
    end
  end

  def test_an_old_program_runs_unchanged
    program = File.join(__dir__, "old_program.rb")
    out, status = Open3.capture2e(RbConfig.ruby, *$LOAD_PATH.flat_map { |path| ["-I", path] }, program, chdir: Dir.tmpdir)
    assert status.success?, out
    assert_equal File.read(program)[/^__END__\n(.*)\z/m, 1], out
  end

  def test_defaults
    index = Annoy::AnnoyIndex.new(n_features: 3)
    assert_equal [3, "angular", "float64"], [index.n_features, index.metric, index.dtype]
    assert_equal 3, Annoy::AnnoyIndex.new(n_features: 3.9).n_features
    assert_equal "float32", index_of("dot", "float16").dtype
    assert_equal "uint64", index_of("hamming").dtype
    assert_raises(ArgumentError) { Annoy::AnnoyIndex.new }
    error = assert_raises(ArgumentError) { Annoy::AnnoyIndex.new(n_features: "3") }
    assert_equal "Expect n_features to be Integer.", error.message
    error = assert_raises(ArgumentError) { Annoy::AnnoyIndex.new(n_features: 3, metric: "foo") }
    assert_equal "No such metric: foo.", error.message
  end

  def test_every_metric_and_type
    %w[angular dot euclidean manhattan].product(%w[float64 float32]).each do |metric, dtype|
      index = index_of(metric, dtype)
      5.times { |i| assert_equal true, index.add_item(i, [0.5 * i, 1, 2.5, 4]) }
      assert_equal [true, 5, 3], [index.build(3), index.n_items, index.n_trees]
      ids, distances = index.get_nns_by_item(2, 3, include_distances: true)
      assert_equal ids, index.get_nns_by_item(2, 3)
      assert_equal ids, index.get_nns_by_vector([1.0, 1, 2.5, 4], 3, search_k: 100)
      assert_equal [ids, distances], index.get_nns_by_vector([1, 1, 2.5, 4], 3, include_distances: true)
      assert_in_delta distances[1], index.get_distance(2, ids[1]), 1e-6
      assert_kind_of Float, index.get_distance(0, 1)
      assert_equal [1.0, 1.0, 2.5, 4.0], index.get_item(2)
    end
  end

  def test_hamming_in_words
    index = index_of("hamming", f: 2)
    index.add_item(0, [0b1011, 2**63])
    index.add_item(1, [0b0011, 0])
    index.build(2)
    assert_equal [2, 128], [index.n_features, index.f]
    assert_equal [0b1011, 2**63], index.get_item(0)
    assert_equal 2, index.get_distance(0, 1)
    assert_equal [[1, 0], [0, 2]], index.get_nns_by_vector([0b0011, 0], 2, include_distances: true)
    assert_raises(ArgumentError) { index.get_nns_by_vector([1], 2) }
    assert_equal [[1, 0]], index.search_batch([[0b0011, 0]], 2)[0]
  end

  def test_save_goes_on_with_the_file
    index = index_of("euclidean", "float32")
    5.times { |i| index.add_item(i, [i, 1, 2, 3]) }
    index.build(2)
    assert_equal true, index.save(file)
    assert index.info[:is_loaded]
    assert_raises(RuntimeError) { index.add_item(9, [1, 2, 3, 4]) }
    other = index_of("euclidean", "float32")
    assert_equal true, other.load(file, prefault: true)
    assert_equal index.get_nns_by_item(0, 5), other.get_nns_by_item(0, 5)
    assert_nil other.unload
    assert_equal 0, other.n_items
  end

  def test_errors
    index = index_of("angular")
    assert_raises(ArgumentError) { index.add_item(0, "1234") }
    assert_raises(ArgumentError) { index.add_item(0, [1, 2]) }
    assert_raises(RuntimeError) { index.load(file("none")) }
    assert_raises(RuntimeError) { index.save(file("unbuilt")) }
    assert_equal [], index.get_nns_by_vector([1, 2, 3, 4], 5)
    assert_equal [[], []], index.get_nns_by_vector([1, 2, 3, 4], 5, include_distances: true)
  end

  def test_nothing_is_found_without_trees
    index = index_of("euclidean")
    index.add_item(0, [1, 2, 3, 4])
    %i[unbuild thaw unbuild].each do |without|
      assert_equal [], index.get_nns_by_item(0, 1)
      index.build(1)
      2.times { assert_equal [0], index.get_nns_by_item(0, 1) }
      index.public_send(without)
      assert_equal [], index.get_nns_by_vector([1, 2, 3, 4], 1)
    end
  end

  def test_files_of_annoy
    { "angular-i32-f64" => %w[angular float64], "dot-i32-f64" => %w[dot float64], "euclidean-i32-f32" => %w[euclidean float32],
      "hamming-i32-u64" => %w[hamming uint64] }.each do |name, (metric, dtype)|
      path = File.join(GOLDEN, "#{name}.ann")
      f = Annoy.probe(path).select { |kind| kind.metric == metric && kind.dtype == dtype }.map(&:f).first
      index = index_of(metric, dtype, f: metric == "hamming" ? (f + 63) / 64 : f)
      assert index.load(path)
      assert_equal 0, index.get_nns_by_item(0, 1).first unless metric == "dot"
    end
  end

  def test_on_disk_build_and_seed
    index = index_of("manhattan")
    assert_equal [true, nil, nil], [index.on_disk_build(file), index.seed(3), index.verbose(false)]
    5.times { |i| index.add_item(i, [i, 1, 2, 3]) }
    assert_equal true, index.build(2, n_jobs: 1)
    assert_path_exists file
  end

  def test_classes_by_position
    %w[Angular DotProduct Euclidean Manhattan].product(["", "Float32"]).each do |metric, type|
      index = Annoy.const_get("AnnoyIndex#{metric}#{type}").new(3)
      index.add_item(0, [1, 2, 3])
      index.set_seed(5)
      index.build(2, -1)
      index.save(file, false)
      index.load(file, true)
      assert_equal [3, 1, 2], [index.get_f, index.get_n_items, index.get_n_trees]
      assert_equal [0], index.get_nns_by_item(0, 1, -1, false)
      assert_equal [0], index.get_nns_by_vector([1, 2, 3], 1, -1, true).first
      assert_equal type.empty? ? "float64" : "float32", index.dtype
    end
    assert_equal 2, Annoy::AnnoyIndexHamming.new(2).get_f
  end
end
