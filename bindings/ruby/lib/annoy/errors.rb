# frozen_string_literal: true

module Annoy
  # What all errors of this library are: `rescue Annoy::Error` gets each. Each is also of the class
  # that Ruby programs expect.
  module Error
    # @return [String] name of the status in annoy.h, such as "ANNOY_ERR_IO"; "" where
    #   annoy.h has none
    attr_accessor :status

    # @return [Integer, nil] the operating system's error number
    attr_accessor :errno
  end

  # A parameter has a value it cannot have, a vector another length than expected, or NaN
  # or infinity in it.
  class ArgumentError < ::ArgumentError
    include Error

    def initialize(message = nil)
      super
      @status = "ANNOY_ERR_ARGUMENT"
    end
  end

  # An item id is negative, too large, or not in the index.
  class ItemError < ::IndexError
    include Error

    def initialize(message = nil)
      super
      @status = "ANNOY_ERR_ITEM"
    end
  end

  # There is no such label, or it is another item's.
  class LabelError < ::KeyError
    include Error
  end

  # The call is not legal now: the index is built, not built, or loaded from a file.
  class StateError < ::RuntimeError
    include Error
  end

  # The operating system refused something ({Error#errno} says what), or a file is no index
  # or a damaged one.
  class FileError < ::RuntimeError
    include Error
  end

  # Memory could not be had.
  class OutOfMemoryError < ::RuntimeError
    include Error
  end

  # The call was cancelled.
  class CancelledError < ::RuntimeError
    include Error
  end

  # This index, or this build of the library, cannot do that.
  class UnsupportedError < ::RuntimeError
    include Error
  end

  # A bug in this library. The index refuses all further work.
  class InternalError < ::RuntimeError
    include Error
  end

  # A callback used the index in a way that would have to wait for its own call, or left by `throw`.
  class CallbackError < ::RuntimeError
    include Error
  end

  # The index is closed.
  class ClosedError < ::IOError
    include Error
  end

  # Makes exceptions of what annoy.h returns. Internal.
  module Errors
    CLASSES = {
      Native::ANNOY_ERR_ARGUMENT => ArgumentError,
      Native::ANNOY_ERR_DIMENSION => ArgumentError,
      Native::ANNOY_ERR_NOT_FINITE => ArgumentError,
      Native::ANNOY_ERR_ITEM => ItemError,
      Native::ANNOY_ERR_LABEL => LabelError,
      Native::ANNOY_ERR_STATE => StateError,
      Native::ANNOY_ERR_IO => FileError,
      Native::ANNOY_ERR_FORMAT => FileError,
      Native::ANNOY_ERR_CORRUPT => FileError,
      Native::ANNOY_ERR_NO_MEMORY => OutOfMemoryError,
      Native::ANNOY_ERR_CANCELLED => CancelledError,
      Native::ANNOY_ERR_UNSUPPORTED => UnsupportedError
    }.freeze

    # Memory for errors that is not in use. A call takes what it needs from there and gives it back
    # when it has read it: the trap of a signal may come between the two and make calls of its own.
    # Calls that succeed pay next to nothing.
    SPARE = [] # rubocop:disable Style/MutableConstant
    private_constant :SPARE

    # Yields an annoy_error * that nobody else uses.
    def self.room
      error = SPARE.pop || Native.memory(Native::AnnoyError.size)
      result = yield error
      SPARE.push(error)
      result
    end

    # Makes a call: yields an annoy_error *, and raises what the status that the block
    # gives stands for.
    def self.call
      room { |error| check(yield(error), error) }
    end

    # Raises what a status stands for, unless it is ANNOY_OK. `pointer` is the annoy_error that
    # the call was given.
    def self.check(status, pointer)
      raise from(status, pointer) unless status.zero?
    end

    def self.from(status, pointer)
      details = Native::AnnoyError.new(pointer)
      error = CLASSES.fetch(status, InternalError).new(details[:message].to_s.force_encoding(Encoding::UTF_8).scrub)
      error.status = Native.annoy_status_name(status)
      error.errno = details[:os_errno] unless details[:os_errno].zero?
      error
    end
  end
  private_constant :Errors
end
