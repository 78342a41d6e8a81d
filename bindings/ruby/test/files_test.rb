# frozen_string_literal: true

require_relative "helper"
require "pathname"

class FilesTest < Minitest::Test
  include Helper

  def test_open
    index = built
    index.metadata = "a\0b".b
    index.save(Pathname.new(file))
    answer = index.search(vectors[3], 4)
    opened = Annoy.open(file)
    assert_equal [F, "euclidean", "float32", N], [opened.f, opened.metric, opened.dtype, opened.n_items]
    assert_equal [answer, "a\0b".b], [opened.search(vectors[3], 4), opened.metadata]
    [{ prefault: true }, { copy: true }].each { |how| assert_equal answer, Annoy.open(file, **how).search(vectors[3], 4) }
    kept = nil
    assert_equal(:given, Annoy.open(file) { |inner| (kept = inner) && :given })
    assert kept.closed?
    assert_instance_of Annoy::AnnoyIndex, Annoy::AnnoyIndex.open(file)
  end

  def test_errors_name_the_file
    calls = [-> { Annoy.open(file("none")) }, -> { built.load(file("none")) }, -> { Annoy.probe(file("none")) },
             -> { Annoy.verify_file(file("none")) }, -> { built.save(file("no/ne")) }]
    calls.each do |call|
      error = assert_raises(Annoy::FileError, &call)
      assert_equal [Errno::ENOENT::Errno, "ANNOY_ERR_IO"], [error.errno, error.status]
      assert_match(%r{no/?ne}, error.message)
      # As Ruby's own errors of files are rescued.
      rescued = begin
        call.call
      rescue Errno::EACCES
        :another
      rescue Errno::ENOENT => e
        e
      end
      assert_kind_of Annoy::FileError, rescued
    end
    File.write(file("text"), "x" * 1000)
    assert_raises(Annoy::FileError) { Annoy.open(file("text")) }
    index = Annoy::Index.new(F)
    built.save(file)
    error = assert_raises(Annoy::FileError) { index.load(file) }
    assert_match(/euclidean/, error.message)
    assert_equal 0, index.n_items
  end

  def test_paths
    index = built
    error = assert_raises(::ArgumentError) { index.save(file("nul\0")) }
    refute_empty error.message
    assert_raises(TypeError) { index.save(nil) }
    # Names are bytes, the same for this library as for File: in UTF-8 or another
    # encoding, or in none.
    names = ["täst", "täst1".b, "täst2".encode(Encoding::ISO_8859_1), "t\xE4st3", "t\xFF\xFEst4".b]
    names.each_with_index do |name, count|
      name = file.b.sub("index.ann".b, name.b).force_encoding(name.encoding)
      assert index.save(name)
      assert_path_exists name
      assert_equal count + 1, Dir.children(File.dirname(file)).length
      assert_equal N, Annoy.open(name).n_items
      assert_equal [], Annoy.verify_file(name)
      assert_equal 1, Annoy.probe(name).length
      assert index.load(name)
    end
  end

  def test_on_disk_build
    index = Annoy::Index.new(F, metric: "euclidean")
    assert index.on_disk_build(file)
    index.add_items(vectors)
    # A few bytes that are no index have the name until it is built.
    assert_raises(Annoy::Error) { Annoy.open(file) }
    index.build(5)
    assert_equal built.search(vectors[0]), Annoy.open(file).search(vectors[0])
  end

  def test_metadata
    index = Annoy::Index.new(2)
    assert_equal "".b, index.metadata
    index.metadata = "grün"
    assert_equal "grün".b, index.metadata
    index.metadata = ""
    assert_equal "", index.metadata
    assert_raises(Annoy::ArgumentError) { index.metadata = "x" * 65_537 }
  end

  def test_verify
    index = built
    assert_equal [], index.verify
    index.save(file)
    assert_equal [], Annoy.verify_file(file)
    bytes = File.binread(file)
    bytes.setbyte(40, bytes.getbyte(40) ^ 1)
    File.binwrite(file, bytes)
    faults = Annoy.verify_file(file)
    refute_empty faults
    assert faults.all? { |fault| fault.node.is_a?(Integer) && fault.text.valid_encoding? && !fault.text.empty? }
    assert_equal [], Annoy.verify_file(file, limit: 0)
    assert_raises(Annoy::ArgumentError) { index.verify(limit: -1) }
  end

  def test_info_and_probe
    index = built
    index.save(file)
    info = Annoy.open(file).info
    assert_equal [N, N, 5, true, true, 0], info.values_at(:n_items, :n_present, :n_trees, :is_loaded, :is_described, :n_removed)
    assert_equal File.size(file), info[:bytes]
    refute_includes info.keys, :reserved
    kinds = Annoy.probe(file)
    assert_equal [["euclidean", "float32", 32, F, N, 5]], kinds.map { |kind| kind.to_a.first(6) }
    plain = File.join(ROOT, "tests", "golden", "annoy-1.17.3", "euclidean-i32-f32.ann")
    assert_includes Annoy.probe(plain).map { |kind| [kind.metric, kind.layout] }, ["euclidean", "1.17"]
  end
end
