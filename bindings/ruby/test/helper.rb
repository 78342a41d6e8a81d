# frozen_string_literal: true

require "minitest/autorun"
require "tmpdir"
require "timeout"
require "annoy_rs"

ROOT = File.expand_path("../../..", __dir__)

module Helper
  N = 300
  F = 8

  # Vectors that every run has.
  def vectors(n = N, f = F, seed: 1)
    random = Random.new(seed)
    Array.new(n) { Array.new(f) { random.rand(-1000..1000) / 100.0 } }
  end

  def built(n_trees = 5, **options)
    index = Annoy::Index.new(F, metric: "euclidean", **options)
    index.add_items(vectors)
    index.build(n_trees)
    index
  end

  # A file name in a directory for this test.
  def file(name = "index.ann")
    @directory ||= Dir.mktmpdir
    File.join(@directory, name)
  end

  def teardown
    FileUtils.rm_rf(@directory) if @directory
    super
  end
end
