# frozen_string_literal: true

module Annoy
  # Blocks of Ruby that the library calls. Internal.
  module Callbacks
    # Runs a callback's block. No exception may pass through the library: `failed` gets it instead,
    # or a new one in place of a `throw`, and the library gets `otherwise`.
    def self.guard(otherwise, failed)
      result = otherwise
      done = false
      begin
        result = yield
        done = true
      rescue Exception => e # rubocop:disable Lint/RescueException
        failed.call(e)
        done = true
      end
    ensure
      failed.call(CallbackError.new("a callback was left by throw or break")) unless done
      return result # rubocop:disable Lint/EnsureReturn
    end

    # A function for annoy_set_log. An exception in it is reported as Ruby reports
    # those of finalizers.
    def self.log(&block)
      failed = ->(error) { warn "#{error.full_message(highlight: false)} in a log of Annoy" }
      FFI::Function.new(:void, %i[pointer int32 pointer]) do |_, level, text|
        text = text.read_string.force_encoding(Encoding::UTF_8)
        Work.deliver { guard(nil, failed) { block.call(level, text) } }
      end
    end
  end
  private_constant :Callbacks
end
