# frozen_string_literal: true

require_relative "helper"
require "weakref"

# The end of an index: closed, collected, in threads and processes.
class LifecycleTest < Minitest::Test
  include Helper

  QUESTIONS = [:n_items, :n_trees, [:search, [0] * 8], [:search_item, 0], [:search_batch, [[0] * 8]], [:get_item, 0], :info,
               :verify, :labels, :n_labels, :unbuild, :unload, [:save, "x"], [:load, "x"], [:add_item, 0, [0] * 8], :to_a,
               [:remove_item, 0], [:seed, 1], :metadata, :on_log, :build, [:add_items, [[0] * 8]], :estimate_recall].freeze

  def test_use_after_close_raises
    index = built
    index.close
    assert index.closed?
    (QUESTIONS - [:labels]).each do |call|
      error = assert_raises(Annoy::ClosedError, call.inspect) { index.public_send(*call) }
      assert_kind_of IOError, error
    end
    assert_nil index.close
  end

  def test_searches_race_with_close
    20.times do
      index = built
      searchers = Array.new(4) do |i|
        Thread.new do
          count = 0
          loop do
            case i
            when 0 then index.search(vectors[count % N], 5)
            when 1 then index.search_batch(vectors.first(20), 5)
            when 2 then index.search_item(0, 5, filter: ->(_) { true })
            else index.get_item(count % N)
            end
            count += 1
          end
        rescue Annoy::ClosedError
          count
        end
      end
      sleep 0.01
      index.close
      searchers.each(&:value)
      assert index.closed?
    end
  end

  def test_searches_and_changes_take_turns
    index = built
    expected = index.search(vectors[0], 5)
    changer = Thread.new { 300.times { |i| index.set_label(i % N, "label #{i}") } }
    searchers = Array.new(3) { Thread.new { Array.new(300) { index.search(vectors[0], 5) }.uniq } }
    assert_equal [[expected]] * 3, searchers.map(&:value)
    changer.join
    assert_equal N, index.n_labels
  end

  def test_threads_get_the_answers_of_one
    index = built
    alone = vectors.map { |vector| index.search(vector, 7) }
    Array.new(4) { Thread.new { vectors.map { |vector| index.search(vector, 7) } } }.each { |t| assert_equal alone, t.value }
  end

  def test_a_long_search_lets_other_threads_run
    index = Annoy::Index.new(64, metric: "euclidean")
    index.add_items(vectors(20_000, 64).flatten.pack("f*"))
    index.build(1)
    ran = 0
    done = false
    other = Thread.new { ran += 1 and Thread.pass until done }
    200.times { index.search_item(0, 10, exact: true) }
    done = true
    other.join
    assert_operator ran, :>, 0
  end

  def test_killed_threads_leave_no_lock
    index = built
    10.times do
      thread = Thread.new { loop { index.search_batch(vectors, 5) && index.search(vectors[0]) } }
      sleep 0.005
      thread.kill
      thread.join
      assert_nil index.seed(1)
    end
  end

  def test_exceptions_from_outside_leave_no_lock
    index = built
    50.times do
      thread = Thread.new { loop { index.search(vectors[0]) && index.set_label(0, "a") } }
      thread.report_on_exception = false
      sleep 0.001
      thread.raise(Timeout::Error, "now")
      assert_raises(Timeout::Error) { thread.join }
    end
    assert_nil index.unload
  end

  def test_gc_stress
    GC.stress = true
    index = Annoy::Index.new(2, metric: "euclidean")
    index.add_items([[1, 2], [3, 4], [5, 6]])
    index.on_log { |_, _| nil }
    index.build(2)
    answers = [index.search([1, 2], 3), index.search_item(0, 3, filter: ->(id) { id != 1 }, exclude: [7]),
               index.search_batch([[1, 2], [5, 6]], 1) { |_, _| nil }]
    index.set_labels(%w[a b c])
    labels = index.labels([2, 0])
    index.close
  ensure
    GC.stress = false
    assert_equal [[0, 1, 2], [0, 2], [[0], [2]], %w[c a]], [answers[0][0], answers[1][0], answers[2][0], labels]
  end

  def test_gc_frees_indexes_that_nobody_closes
    before = resident
    200.times do
      index = Annoy::Index.new(1000)
      index.add_items("\0" * 4000 * 1000)
      index.on_log { |_, _| nil }
    end
    GC.start
    # 200 indexes have 800 MB.
    assert_operator resident - before, :<, 400_000
  end

  # In the child of a fork there is one thread only; what the others were doing there stays so.
  def test_a_forked_child_does_not_wait_for_threads_that_are_not_there
    index = built
    inside = Thread::Queue.new
    go_on = Thread::Queue.new
    searching = Thread.new { index.search(vectors[0], 3, filter: ->(_) { (inside << true) && go_on.pop.nil? }) }
    inside.pop
    assert_equal 0, status_of_child { index.unload && index.close }
    go_on.close
    searching.join

    index = Annoy::Index.new(2)
    index.add_items([[1, 2], [3, 4]])
    index.on_log { |_, _| (inside << true) && go_on.pop }
    go_on = Thread::Queue.new
    inside.clear
    building = Thread.new { index.build(1) }
    inside.pop
    child = lambda do |_|
      index.n_items
    rescue Annoy::StateError => e
      e.message.include?("forked") || raise
    end
    assert_equal 0, status_of_child(&child)
    go_on.close
    building.join
    assert_equal 2, index.n_items
  end

  def status_of_child(&block)
    pid = fork do
      Timeout.timeout(20, &block)
      exit!(0)
    rescue Exception => e # rubocop:disable Lint/RescueException
      warn e.full_message
      exit!(1)
    end
    Process.wait2(pid)[1].exitstatus
  end

  def test_a_forked_child_searches_and_changes_its_own
    index = built
    expected = index.search(vectors[0], 5)
    stop = false
    busy = Array.new(2) { Thread.new { index.search_batch(vectors, 5) until stop } }
    children = Array.new(5) do
      fork do
        same = index.search(vectors[0], 5) == expected
        index.unload
        index.close
        exit!(same ? 0 : 1)
      end
    end
    statuses = children.map { |pid| Timeout.timeout(60) { Process.wait2(pid)[1].exitstatus } }
    stop = true
    busy.each(&:join)
    assert_equal [0] * 5, statuses
    assert_equal expected, index.search(vectors[0], 5)
  end

  def resident
    File.read("/proc/self/status")[/VmRSS:\s+(\d+)/, 1].to_i
  end
end
