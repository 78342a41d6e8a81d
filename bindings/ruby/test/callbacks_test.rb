# frozen_string_literal: true

require_relative "helper"

# Blocks that the library calls: where they run, and how they end.
class CallbacksTest < Minitest::Test
  include Helper

  def setup
    @index = built
    @queries = vectors.first(64)
  end

  def many
    @many ||= @queries.flatten.pack("f*") * 20_000
  end

  def test_progress_runs_in_the_thread_of_the_call
    [{}, { filter: ->(_) { true } }].each do |options|
      reports = []
      threads = []
      @index.search_batch(@queries, 3, **options) do |done, total|
        reports << [done, total]
        threads << Thread.current
      end
      assert_equal [64, 64], reports.last
      assert_equal reports.sort, reports
      assert_equal [Thread.current], threads.uniq
    end
  end

  def test_every_long_call_reports
    index = Annoy::Index.new(F, metric: "euclidean")
    calls = {
      add_items: [vectors(5000).flatten.pack("f*")], build: [5], build_graph: [], build_scan: [], tune: [], save: [file],
      verify: [], estimate_recall: [], save_and_load: [file("loaded")]
    }
    calls.each do |call, arguments|
      reports = []
      threads = []
      index.public_send(call, *arguments) { |done, total| (reports << [done, total]) && (threads << Thread.current) }
      refute_empty reports, call
      assert_equal reports.last[0], reports.last[1], call
      assert_equal reports.sort, reports, call
      assert_equal [Thread.current], threads.uniq, call
    end
    refute_empty [].tap { |reports| Annoy.verify_file(file) { |*report| reports << report } }
  end

  def test_an_exception_of_progress_ends_every_long_call_and_changes_nothing
    index = Annoy::Index.new(F, metric: "euclidean")
    assert_raises(KeyError) { index.add_items(vectors) { raise KeyError } }
    # All rows may have been added when the first report is heard of.
    index.unload
    index.add_items(vectors(20_000))
    assert_raises(KeyError) { index.build(500, n_threads: 1) { raise KeyError } }
    assert_equal 0, index.n_trees
    assert index.build(2)
    assert_raises(KeyError) { index.build_graph { raise KeyError } }
    assert_raises(KeyError) { index.build_scan { raise KeyError } }
    assert_equal [0, 0], index.info.values_at(:graph_degree, :scan_lists)
    assert_raises(KeyError) { index.verify { raise KeyError } }
    assert_equal [], index.verify
  end

  def test_timeout_ends_a_build
    index = Annoy::Index.new(F)
    index.add_items(vectors(20_000))
    assert_raises(Timeout::Error) { Timeout.timeout(0.3) { index.build(10_000, n_threads: 1) } }
    assert_equal [20_000, 0], [index.n_items, index.n_trees]
    assert index.build(1)
  end

  def test_progress_of_a_build_may_not_use_the_index
    index = Annoy::Index.new(F)
    index.add_items(vectors(20_000))
    [:n_items, :close, [:get_item, 0]].each do |call|
      assert_raises(Annoy::CallbackError) { index.build(1000, n_threads: 1) { index.public_send(*call) } }
    end
    assert_equal 0, index.n_trees
  end

  def test_a_filter_runs_in_the_thread_of_the_call
    threads = []
    filter = ->(item) { (threads << Thread.current) && item.odd? }
    @index.search(@queries[0], 3, filter: filter)
    @index.search_batch(@queries, 3, filter: filter)
    assert_equal [Thread.current], threads.uniq
  end

  def test_an_exception_of_a_filter_comes_out_of_the_call
    count = 0
    failing = lambda do |_|
      count += 1
      raise KeyError, "of the filter"
    end
    [-> { @index.search(@queries[0], 3, filter: failing) }, -> { @index.search_item(0, 3, filter: failing) },
     -> { @index.search_batch(@queries, 3, filter: failing) }].each do |search|
      count = 0
      error = assert_raises(KeyError, &search)
      assert_equal ["of the filter", 1], [error.message, count]
    end
    assert_equal 3, @index.search(@queries[0], 3)[0].length
  end

  def test_an_exception_of_progress_comes_out_of_the_call_and_ends_it
    [{}, { filter: ->(_) { true } }].each do |options|
      # Work for more than a minute, unless it ends.
      assert_raises(KeyError) { Timeout.timeout(40) { @index.search_batch(many, 2, **options) { raise KeyError } } }
    end
    assert_equal 64, @index.search_batch(@queries, 3)[0].length
  end

  def test_throw_break_and_exit_do_not_go_through_the_library
    assert_raises(Annoy::CallbackError) do
      catch(:out) { @index.search(@queries[0], 3, filter: ->(_) { throw :out }) }
    end
    assert_raises(SystemExit) { @index.search(@queries[0], 3, filter: ->(_) { exit }) }
    assert_equal(7, @index.search_batch(@queries, 3) { break 7 })
    assert_equal 3, @index.search(@queries[0], 3)[0].length
  end

  def test_a_callback_may_look_at_the_index_but_not_change_it
    seen = []
    inner = ->(item) { seen << [@index.search_item(item, 2)[0].length, @index.get_item(item).length] }
    expected = @index.search(@queries[0], 3)
    assert_equal expected, @index.search(@queries[0], 3, filter: inner)
    assert_equal [[2, F]], seen.uniq
    [:close, :unload, [:remove_item, 0]].each do |call|
      assert_raises(Annoy::CallbackError) { @index.search(@queries[0], 3, filter: ->(_) { @index.public_send(*call) }) }
    end
    assert_equal expected, @index.search(@queries[0], 3)
  end

  def test_timeout_ends_a_batch
    [{}, { filter: ->(_) { true } }].each do |options|
      last = nil
      assert_raises(Timeout::Error) do
        Timeout.timeout(0.3) { @index.search_batch(many, 2, n_threads: 1, **options) { |done, total| last = done - total } }
      end
      refute_equal 0, last, "it was not ended, but came to its end"
      assert_nil @index.seed(1)
    end
  end

  def test_ctrl_c_ends_a_batch
    reader, writer = IO.pipe
    pid = fork do
      trap("INT", "DEFAULT")
      reader.close
      status = begin
        @index.search_batch(many, 2, search_k: 100_000, n_threads: 1) { |_, _| writer.close unless writer.closed? }
        1
      rescue Interrupt
        @index.close
        42
      end
      exit!(status)
    end
    writer.close
    reader.read # until the batch is under way
    Process.kill("INT", pid)
    Process.wait(pid)
    assert_equal 42, $?.exitstatus
  end

  def test_log
    said = []
    threads = []
    index = Annoy::Index.new(F)
    assert_nil(index.on_log { |level, text| (said << [level, text]) && (threads << Thread.current) })
    index.add_items(vectors)
    index.build(3)
    refute_empty said
    assert said.all? { |level, text| level == :info && text.encoding == Encoding::UTF_8 && text.valid_encoding? }
    assert_equal [Thread.current], threads.uniq
    assert_raises(Annoy::ArgumentError) { index.on_log(:loud) { nil } }
    index.on_log(:debug) { |level, _| said << [level] }
    index.unbuild
    index.build(1)
    assert_includes said, [:debug]
    count = said.length
    assert_nil index.on_log
    index.unbuild
    index.build(3)
    assert_equal count, said.length
  end

  def test_verbose_prints
    index = Annoy::Index.new(F)
    index.add_items(vectors)
    assert_output("", /./) do
      index.verbose(true)
      index.build(2)
    end
    assert_output("", "") do
      index.verbose(false)
      index.unbuild
      index.build(2)
    end
  end

  def test_an_exception_of_a_log_ends_nothing
    index = Annoy::Index.new(F)
    index.add_items(vectors)
    index.on_log { raise "of the log" }
    _, err = capture_io { assert index.build(2) }
    assert_match(/of the log/, err)
  end
end
