# frozen_string_literal: true

module Annoy
  # Owns an annoy_index: calls that take it const share it, others have it alone, closing waits for both. Internal.
  #
  # Who holds the lock is kept by thread and not counted. So letting go twice does no harm, and is what is done where an
  # exception from outside (Timeout, Ctrl-C) may have kept it from being done once.
  class Handle
    def initialize(pointer)
      @mutex = Thread::Mutex.new
      @turn = Thread::ConditionVariable.new
      @sharing = {}.compare_by_identity
      @alone = nil
      @waiting = {}.compare_by_identity
      @pointer = FFI::AutoPointer.new(pointer, Handle.method(:free))
    end

    # When it is the collector that frees the index, its log may be gone already.
    def self.free(pointer)
      Native.annoy_set_log(pointer, nil, nil, nil)
      Native.annoy_free(pointer)
    end

    # Yields the annoy_index * for calls that take it const.
    def shared
      thread = Thread.current
      # In a callback of a search: that one holds on to the index.
      return yield(@pointer) if @sharing.key?(thread)

      begin
        share(thread)
        yield @pointer
      ensure
        begin
          leave(thread)
        ensure
          leave(thread) if @sharing.key?(thread)
        end
      end
    end

    # Yields the annoy_index * for calls that change it. `owner` is the thread on whose behalf this one works.
    def exclusive(owner = Thread.current)
      if @sharing.key?(owner) || @alone.equal?(owner)
        raise CallbackError, "a callback cannot change the index it is called about"
      end

      begin
        take(owner)
        yield @pointer
      ensure
        begin
          give(owner)
        ensure
          give(owner)
        end
      end
    end

    # Calls a function of annoy.h that takes the index const: its arguments without the index and the error.
    def read(function, *arguments)
      shared do |index|
        error = Native.error
        Errors.check(Native.public_send(function, index, *arguments, error), error)
      end
    end

    # Calls a function of annoy.h that takes only the index, and returns what it does.
    def get(function)
      shared { |index| Native.public_send(function, index) }
    end

    # Calls a function of annoy.h that changes the index.
    def change(function, *arguments)
      exclusive do |index|
        error = Native.error
        Errors.check(Native.public_send(function, index, *arguments, error), error)
      end
    end

    # Calls a function of annoy.h that takes the index const and an annoy_work, which may be long.
    def read_long(function, *arguments, work)
      work.apart { read(function, *arguments, work) }
    end

    # As {#read_long}, for one that changes the index.
    def change_long(function, *arguments, work)
      caller = Thread.current
      work.apart do
        exclusive(caller) do |index|
          error = Native.error
          Errors.check(Native.public_send(function, index, *arguments, work, error), error)
        end
      end
    end

    # Has `function` called by the library, in place of the one before.
    def log(function)
      exclusive do |index|
        error = Native.error
        Errors.check(Native.annoy_set_log(index, function, nil, error), error)
        @log = function
      end
    end

    # Waits for the calls under way and frees the index; a second time it does nothing.
    def close
      exclusive do |pointer|
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

    def share(thread)
      @mutex.synchronize do
        if @alone.equal?(thread)
          raise CallbackError, "a callback cannot use the index while the call it belongs to changes it"
        end

        wait_until { @alone.nil? && @waiting.empty? } if @alone || !@waiting.empty?
        refuse_closed
        @sharing[thread] = true
      end
    end

    def leave(thread)
      @mutex.synchronize do
        @sharing.delete(thread)
        @turn.broadcast if @sharing.empty? && !@waiting.empty?
      end
    end

    def take(owner)
      @mutex.synchronize do
        @waiting[owner] = true
        wait_until { @alone.nil? && @sharing.empty? }
        refuse_closed
        @alone = owner
      ensure
        @waiting.delete(owner)
        @turn.broadcast unless @alone
      end
    end

    def give(owner)
      @mutex.synchronize do
        next unless @alone.equal?(owner)

        @alone = nil
        @turn.broadcast
      end
    end

    def wait_until
      until yield
        # In a forked child: the threads that held the lock, or waited for it, are no more.
        raise StateError, "the index was being changed when the process was forked" if @alone && !@alone.alive?

        dead = (@sharing.keys + @waiting.keys).reject(&:alive?)
        dead.each { |thread| [@sharing, @waiting].each { |threads| threads.delete(thread) } }
        @turn.wait(@mutex) if dead.empty?
      end
    end

    def refuse_closed
      raise ClosedError, "the index is closed" if @pointer.nil?
    end
  end
  private_constant :Handle
end
