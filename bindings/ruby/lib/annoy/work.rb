# frozen_string_literal: true

module Annoy
  # A long call of annoy.h: its blocks of Ruby, and the token that makes it give up. Internal.
  class Work
    EVENTS = :annoy_events
    CALLER = :annoy_caller
    private_constant :EVENTS, :CALLER

    # The thread that this one works for, which may be itself.
    def self.caller_thread
      Thread.current.thread_variable_get(CALLER) || Thread.current
    end

    # Has a block called in the thread that waits for this one; in this one where none does.
    def self.deliver(&block)
      events = Thread.current.thread_variable_get(EVENTS)
      events ? events << block : block.call
    end

    # @yieldparam done, total of what the library reports
    def initialize(n_threads = -1, &progress)
      token = Native.annoy_cancel_new
      raise OutOfMemoryError, "cannot get memory for a cancel token" if token.null?

      @cancel = FFI::AutoPointer.new(token, Native.method(:annoy_cancel_free))
      @struct = Native::AnnoyWork.new
      @struct[:struct_size] = Native::AnnoyWork.size
      @struct[:n_threads] = n_threads
      @struct[:cancel] = @cancel
      return if progress.nil?

      @progress = FFI::Function.new(:void, %i[pointer int32 uint64 uint64]) do |_, _, done, total|
        guard(nil) do
          Work.deliver { progress.call(done, total) unless @failure }
          look_up
        end
      end
      @struct[:progress] = @progress
    end

    # The annoy_work *.
    def to_ptr
      @struct.to_ptr
    end

    # Runs what a callback is to do. What goes wrong there ends the call.
    def guard(otherwise, &block)
      Callbacks.guard(otherwise, method(:failed), &block)
    end

    def failed(error)
      @failure ||= error
      Native.annoy_cancel_set(@cancel)
    end

    def failed?
      !@failure.nil?
    end

    # Runs a block in a thread of its own and returns what it does. The caller's thread waits, where
    # it can be interrupted (Timeout, Ctrl-C); the library is then told to give up. Progress is
    # reported in the caller's thread.
    def apart
      events = Thread::Queue.new
      # It starts when this thread knows about it.
      start = Thread::Queue.new
      caller = Thread.current
      thread = Thread.new do
        Thread.current.thread_variable_set(EVENTS, events)
        Thread.current.thread_variable_set(CALLER, caller)
        [(yield if start.pop), nil]
      rescue Exception => e # rubocop:disable Lint/RescueException
        [nil, e]
      ensure
        events.close
      end
      begin
        start << true
        while (event = events.pop)
          event.call
        end
        result, error = thread.value
        raise error if error

        result
      ensure
        start.close
        give_up(thread)
      end
    end

    # Runs a block in this thread. Callbacks that return an answer need that. Exceptions from
    # outside have to wait: they must not come while a callback runs. Callbacks look for them when
    # they are done, see {#look_up}; the call then ends.
    def here
      result = begin
        Thread.handle_interrupt(Object => :never) { yield }
      rescue Error => e
        raise @failure || e
      end
      raise @failure if @failure

      result
    end

    # Gives up if an exception from outside waits. Whether the call is given up.
    def look_up
      return true if failed?

      pending = Thread.pending_interrupt?
      Native.annoy_cancel_set(@cancel) if pending
      pending
    end

    private

    # Waits for the thread, also when another exception comes meanwhile.
    def give_up(thread)
      return unless thread.alive?

      Native.annoy_cancel_set(@cancel)
      thread.join
    ensure
      give_up(thread) if thread.alive?
    end
  end
  private_constant :Work
end
