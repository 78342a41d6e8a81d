# frozen_string_literal: true

module Annoy
  # Owns an annoy_index: calls that take it const share it, others have it alone, closing waits
  # for both. Internal.
  #
  # There is no Mutex, because the trap of a signal may not lock one. Instead this relies on CRuby's
  # lock: one operation of a Hash or a Queue is over before another thread does one. A use registers
  # itself, and then looks for changes; a change registers itself, and then looks for uses. So if
  # two meet, at least one sees the other.
  #
  # Uses and changes are kept one by one and not counted, so releasing one twice does no
  # harm. It is released twice where an exception from outside (Timeout, Ctrl-C) may have
  # prevented the first time.
  class Handle
    # A call: the thread that makes it, and the one on whose behalf, see {Work#apart}.
    class Call
      attr_reader :thread

      def initialize
        @maker = Thread.current
        @thread = Work.caller_thread
      end

      # In a forked child most threads are not there, and never go on.
      def over?
        !@maker.alive?
      end
    end

    # A call that shares the index. While it asks a filter, its fiber may be
    # abandoned and collected.
    class Use < Call
      def initialize(asks)
        super()
        @fiber = WeakRef.new(Fiber.current) if asks
      end

      def asks?
        !@fiber.nil?
      end

      def over?
        super || (asks? && !@fiber.weakref_alive?)
      end

      # Whether it is that of another fiber than this one.
      def elsewhere?
        asks? && !Fiber.current.equal?(@fiber.__getobj__)
      rescue WeakRef::RefError
        true
      end
    end

    # One that has the index alone, or waits for that.
    class Change < Call
      attr_accessor :alone

      def elsewhere?
        false
      end
    end
    private_constant :Call, :Use, :Change

    # Seconds between two looks at whether fibers are gone.
    PAUSE = 0.01
    private_constant :PAUSE

    # @param owner [Index] whose changes are refused when it is frozen
    def initialize(pointer, owner)
      @owner = owner
      @uses = {}.compare_by_identity
      # Changes, and uses that wait for some, in the order of coming.
      @line = {}.compare_by_identity
      @waiting = {}.compare_by_identity
      @pointer = FFI::AutoPointer.new(pointer, Handle.method(:free))
    end

    # When it is the collector that frees the index, its log may be gone already.
    def self.free(pointer)
      Native.annoy_set_log(pointer, 0, nil, nil, nil)
      Native.annoy_free(pointer)
    end

    # Yields the annoy_index * for calls that take it const. A call that asks a filter may never
    # return: its fiber can be abandoned there.
    def shared(asks: false)
      use = Use.new(asks)
      begin
        enter(use)
        yield @pointer
      ensure
        begin
          leave(use)
        ensure
          leave(use)
        end
      end
    end

    # Yields the annoy_index * for calls that change it.
    def exclusive(&block)
      refuse_closed
      raise FrozenError.new("can't modify frozen #{@owner.class}", receiver: @owner) if @owner.frozen?

      alone(&block)
    end

    # Calls a function of annoy.h that takes the index const: its arguments without the
    # index and the error.
    def read(function, *arguments)
      shared { |index| Errors.call { |error| Native.public_send(function, index, *arguments, error) } }
    end

    # Calls a function of annoy.h that takes only the index, and returns what it does.
    def get(function)
      shared { |index| Native.public_send(function, index) }
    end

    # Whether the index has trees: known until a call has it alone.
    def trees?
      @has_trees || shared { |index| @has_trees = Native.annoy_get_n_trees(index).positive? }
    end

    # Calls a function of annoy.h that changes the index.
    def change(function, *arguments)
      exclusive { |index| Errors.call { |error| Native.public_send(function, index, *arguments, error) } }
    end

    # Calls a function of annoy.h that takes the index const and an annoy_work, which may be long.
    def read_long(function, *arguments, work)
      work.apart { read(function, *arguments, work) }
    end

    # As {#read_long}, for one that changes the index.
    def change_long(function, *arguments, work)
      work.apart { change(function, *arguments, work) }
    end

    # Has `function` called by the library, in place of the one before.
    def log(level, function)
      exclusive do |index|
        Errors.call { |error| Native.annoy_set_log(index, level, function, nil, error) }
        @log = function
      end
    end

    # Waits for the calls under way and frees the index; a second time it does nothing.
    def close
      alone do |pointer|
        @pointer = nil
        pointer.free
      end
    rescue ClosedError
      nil
    end

    def closed?
      @pointer.nil?
    end

    private

    def alone
      change = Change.new
      refuse_inside(change.thread)
      begin
        take(change)
        @has_trees = nil
        yield @pointer
      ensure
        begin
          give(change)
        ensure
          give(change)
        end
      end
    end

    def enter(use)
      @uses[use] = true
      wait_in_line(use) unless @line.empty?
      refuse_closed
    end

    def wait_in_line(use)
      leave(use)
      if of(use.thread, changes).any?
        raise CallbackError, "a callback or a trap cannot use the index while the call it belongs to changes it"
      end

      @line[use] = true
      wait_until { entered?(use) }
    ensure
      @line.delete(use)
      wake
    end

    def entered?(use)
      return false if blocked?(use)

      @uses[use] = true
      return true unless blocked?(use)

      leave(use)
      false
    end

    # Those that came before go first. But not before a thread that is in the middle of a call,
    # which asks a filter or is interrupted by a trap: they may wait for its end.
    def blocked?(use)
      inside = of(use.thread, @uses.keys + @line.keys).any? { |other| !other.equal?(use) }
      return changes.any?(&:alone) if inside

      @line.keys.take_while { |call| !call.equal?(use) }.any?(Change)
    end

    def changes
      @line.keys.grep(Change)
    end

    def leave(use)
      @uses.delete(use)
      wake unless @waiting.empty?
    end

    def take(change)
      @line[change] = true
      wait_until do
        next false unless @uses.empty? && @line.keys.first.equal?(change)

        change.alone = true
        next true if @uses.empty?

        change.alone = false
        wake
        false
      end
      refuse_closed
    end

    def give(change)
      change.alone = false
      @line.delete(change)
      wake unless @waiting.empty?
    end

    # Who waits has a Queue, in which it also finds that it was woken before it came to wait.
    def wait_until
      queue = Thread::Queue.new
      @waiting[queue] = true
      until yield
        next if forget_what_is_over

        @uses.keys.any?(&:asks?) ? sleep(PAUSE) : queue.pop
      end
    ensure
      @waiting.delete(queue)
    end

    def wake
      @waiting.keys.each { |queue| queue << true }
    end

    # Whether there was any.
    def forget_what_is_over
      raise StateError, "the index was being changed when the process was forked" if changes.any? { |one| one.alone && one.over? }

      over = (@uses.keys + @line.keys).select(&:over?)
      over.each { |call| [@uses, @line].each { |calls| calls.delete(call) } }
      over.any?
    end

    # A thread that is in the middle of a call cannot wait for its end.
    def refuse_inside(thread)
      calls = of(thread, @uses.keys + @line.keys)
      return if calls.empty?

      unless calls.all?(&:elsewhere?)
        raise CallbackError, "a callback or a trap cannot change the index it is called about"
      end

      GC.start
      forget_what_is_over
      return if of(thread, @uses.keys).empty?

      raise CallbackError, "a filter gave up its fiber in a search of the index: that has to come to its end before this thread " \
                           "can change the index"
    end

    def of(thread, calls)
      calls.select { |call| call.thread.equal?(thread) }
    end

    def refuse_closed
      raise ClosedError, "the index is closed" if @pointer.nil?
    end
  end
  private_constant :Handle
end
