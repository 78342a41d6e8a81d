# frozen_string_literal: true

require_relative "helper"

# What comes between: traps of signals, Timeout, fibers that are given up, and what was given being
# changed meanwhile.
class InterruptedTest < Minitest::Test
  include Helper

  WIDE = 64
  MANY = 20_000

  # Rows as a String, which Ruby does not look into.
  def packed(n, f = WIDE)
    random = Random.new(1)
    row = Array.new(f) { random.rand }.pack("f*")
    row * n
  end

  # Clears a String and takes its memory for something else.
  def scribble(string)
    length = string.bytesize
    string.clear
    Array.new(8) { "\xFF".b * length }
  end

  def wide(n = 1000)
    Annoy::Index.new(WIDE, metric: "euclidean").tap { |index| index.add_items(packed(n)) && index.build(1) }
  end

  def test_a_string_that_progress_changes_is_added_as_it_was
    rows = packed(MANY)
    index = Annoy::Index.new(WIDE, metric: "euclidean")
    kept = nil
    assert index.add_items(rows, n_threads: 1) { kept ||= scribble(rows) }
    assert_equal [0, MANY], [rows.bytesize, index.n_items]
    assert_equal packed(1).unpack("f*"), index.get_item(MANY - 1)
  end

  def test_a_string_that_another_thread_changes_is_read_as_it_was
    index = wide
    expected = index.search_batch(packed(3000), 2, n_threads: 1)
    queries = packed(3000)
    kept = nil
    found = index.search_batch(queries, 2, n_threads: 1) { kept ||= scribble(queries) }
    assert_equal expected, found

    bytes = index.to_bytes
    copies = 5.times.map do
      given = String.new(bytes)
      other = Thread.new { scribble(given) }
      Annoy::Index.from_bytes(given).tap { other.join }
    rescue Annoy::FileError
      nil # cleared before it was taken
    end
    copies.compact.each { |copy| assert_equal index.search_item(0, 3), copy.search_item(0, 3) }
  end

  # A number that changes its Array while that is packed.
  class Vandal < Numeric
    def initialize(array)
      @array = array
    end

    def to_f
      @array.push(*[0.5] * 100)
      1.0
    end

    def coerce(other)
      [other, to_f]
    end
  end

  def test_arrays_that_change_meanwhile_are_refused_or_read_whole
    # Four numbers are packed, and then it has as many as f.
    index = Annoy::Index.new(104, metric: "euclidean")
    row = [1.0, 2.0, 3.0]
    row << Vandal.new(row)
    assert_raises(Annoy::ArgumentError) { index.add_item(0, row) }
    assert_equal [104, 0], [row.length, index.n_items]

    rows = Array.new(3) { [1.0, 2.0, 3.0].tap { |one| one << Vandal.new(one) } }
    index = Annoy::Index.new(4, metric: "euclidean")
    index.add_items(rows)
    assert_equal [[1.0, 2.0, 3.0, 1.0]] * 3, index.to_a
  end

  # Signals come while the block runs, every millisecond or so.
  def with_signals(trap)
    before = Signal.trap("USR1", trap)
    done = false
    sender = Thread.new { Process.kill("USR1", Process.pid) && sleep(0.001) until done }
    yield
  ensure
    done = true
    sender&.join
    sleep 0.01
    Signal.trap("USR1", before || "DEFAULT")
  end

  def test_a_search_in_a_trap_works_and_leaves_the_one_it_interrupts_alone
    index = Annoy::Index.new(F, metric: "euclidean")
    index.add_items(vectors(5000))
    index.build(2)
    one, other = vectors(2, seed: 9)
    look = -> { [index.search(one, 10, search_k: 5000), index.search_item(3, 5, search_k: 5000)] }
    expected, short = look.call, index.search(other, 7)
    wrong, in_traps = 0, []
    trap = proc { in_traps << (index.search(other, 7) rescue $!) } # rubocop:disable Style/RescueModifier
    with_signals(trap) { 500.times { wrong += 1 unless look.call == expected } }
    assert_operator in_traps.length, :>, 20
    assert_equal [[short], 0], [in_traps.uniq, wrong]
  end

  # The message too is that of the call that failed.
  def test_an_error_in_a_trap_leaves_that_of_the_call_it_interrupts_alone
    index = built
    traps = 0
    trap = proc { (index.get_item(-5) rescue nil) && traps += 1; traps += 1 } # rubocop:disable Style/RescueModifier
    messages = []
    with_signals(trap) do
      3000.times { assert_raises(Annoy::ItemError) { index.search_item(1_000_000) }.message.then { |text| messages << text } }
    end
    assert_operator traps, :>, 5
    assert_equal 1, messages.uniq.length, messages.uniq.inspect
  end

  def test_all_that_looks_at_an_index_works_in_a_trap
    index = built
    index.set_labels(%w[a b])
    calls = [:n_items, :n_trees, :info, :verify, :ids, :to_bytes, [:get_item, 0], [:label, 1], [:labels, [0, 1]], :metadata,
             [:search_batch, [vectors[0]]], [:search_item, 0, 3], [:estimate_recall], [:save, file], [:dup]]
    results = nil
    before = Signal.trap("USR1") do
      results = calls.map { |call| index.public_send(*call) rescue $! } # rubocop:disable Style/RescueModifier
    end
    Process.kill("USR1", Process.pid)
    sleep 0.01 until results
    assert_equal [], results.grep(Exception)
    # Changes do too, where the thread is not in the middle of a call.
    results = nil
    Signal.trap("USR1") { results = [index.set_label(5, "five"), Annoy.open(file).n_items] }
    Process.kill("USR1", Process.pid)
    sleep 0.01 until results
    assert_equal [[true, N], 5], [results, index.find_label("five")]
  ensure
    Signal.trap("USR1", before || "DEFAULT")
  end

  def test_a_trap_that_would_wait_for_what_it_interrupts_says_so
    index = Annoy::Index.new(F, metric: "euclidean")
    index.add_items(vectors(MANY))
    said = []
    trap = proc { said << (index.n_items rescue $!) } # rubocop:disable Style/RescueModifier
    with_signals(trap) { index.build(10, n_threads: 1) }
    refute_empty said.grep(Annoy::CallbackError)
    assert_match(/trap/, said.grep(Annoy::CallbackError).first.message)
    assert_equal [], said.grep(Exception).reject { |error| error.is_a?(Annoy::CallbackError) }
    assert_equal 10, index.n_trees

    said = []
    trap = proc { said << (index.unload rescue $!) } # rubocop:disable Style/RescueModifier
    once = ->(_) { said.empty? && Process.kill("USR1", Process.pid) && sleep(0.01) }
    before = Signal.trap("USR1", trap)
    index.search(vectors[0], 3, filter: once)
    Signal.trap("USR1", before || "DEFAULT")
    assert_equal [Annoy::CallbackError], said.map(&:class).uniq
  end

  def test_timeout_ends_a_search_with_a_filter
    index = built
    calls = 0
    filter = ->(_) { (calls += 1) && sleep(0.02) }
    searches = {
      search: [vectors[0], 3], search_item: [0, 3], search_batch: [vectors, 3], search_items: [(0...N).to_a, 3]
    }
    searches.each do |name, arguments|
      [{}, { exact: true }].each do |options|
        calls = 0
        start = now
        assert_raises(Timeout::Error) do
          Timeout.timeout(0.2) { index.public_send(name, *arguments, search_k: 3000, filter: filter, **options) }
        end
        assert_operator now - start, :<, 1.5, name
        assert_operator calls, :<, 30, name
      end
    end
    assert_nil index.seed(1)
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  # A change waits for searches and not for ever: later ones wait for it.
  def test_a_change_gets_its_turn_while_others_search
    index = wide
    stop = false
    searching = Array.new(4) { Thread.new { index.search_batch(packed(300), 5, n_threads: 1) until stop } }
    sleep 0.1
    assert Timeout.timeout(20) { index.remove_item(5) }
    stop = true
    searching.each(&:join)
  end

  def test_searches_get_their_turn_while_others_change
    index = built
    stop = false
    labels = Array.new(N) { |i| "label #{i}" }
    changing = Array.new(3) { Thread.new { index.set_labels(labels) until stop } }
    sleep 0.05
    Timeout.timeout(20) { 20.times { assert_equal 3, index.search(vectors[0], 3)[0].length } }
    stop = true
    changing.each(&:join)
  end

  # Nor do searches of a filter wait for a change that waits for them, on whichever thread.
  def test_a_filter_searches_while_a_change_waits
    index = built
    changing = nil
    filter = lambda do |item|
      changing ||= Thread.new { index.set_label(0, "changed") }
      sleep 0.001 until changing.status == "sleep" || !changing.alive?
      index.search_batch(vectors.first(2), 2)[0].length + index.search_item(item, 1)[0].length
    end
    Timeout.timeout(20) { index.search(vectors[0], 3, filter: filter) }
    assert changing.value
    assert_equal "changed", index.label(0)
  end

  # In a method of its own, whose fiber nothing refers to afterwards.
  def give_up(index, keep)
    fiber = Fiber.new { index.search(vectors[0], 3, filter: ->(_) { Fiber.yield || true }) }
    fiber.resume
    keep << fiber if keep
    nil
  end

  def test_a_fiber_given_up_in_a_filter_says_so_and_is_forgotten_with_it
    index = built
    kept = []
    give_up(index, kept)
    assert_equal 3, index.search(vectors[0], 3)[0].length
    error = assert_raises(Annoy::CallbackError) { index.seed(1) }
    assert_match(/fiber/, error.message)
    kept.first.resume while kept.first.alive?
    assert_nil index.seed(1)

    # Conservative marking may keep one of them; not one of a process of its own.
    program = <<~RUBY
      require "annoy_rs"
      index = Annoy::Index.new(2)
      index.add_items([[1, 2], [3, 4]])
      index.build(1)
      give_up = -> { Fiber.new { index.search([1, 2], 2, filter: ->(_) { Fiber.yield }) }.resume }
      20.times { Thread.new { 1 }.join }
      give_up.call
      clean = ->(n) { n.zero? ? [nil] * 100 : clean.call(n - 1) }
      clean.call(50)
      other = Thread.new { index.set_label(0, "x") }
      50.times { break if other.join(0.1); GC.start }
      exit!(other.alive? ? 1 : 0) if ARGV[0] == "other"
      clean.call(50)
      index.seed(1)
    RUBY
    library = File.dirname($LOADED_FEATURES.grep(%r{/annoy_rs\.rb\z}).first)
    %w[same other].each { |mode| assert system("ruby", "-I", library, "-e", program, mode), mode }
  end
end
