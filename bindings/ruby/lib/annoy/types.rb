# frozen_string_literal: true

module Annoy
  # Names of metrics and element types, and the numbers annoy.h has for them. Internal.
  module Types
    SCALARS = {
      "float32" => Native::ANNOY_F32, "float64" => Native::ANNOY_F64,
      "uint64" => Native::ANNOY_BITS64, "uint32" => Native::ANNOY_BITS32, "uint8" => Native::ANNOY_BITS8
    }.freeze

    # @param dtype [String, Symbol, nil] nil for the metric's usual one
    def self.scalar_number(dtype)
      return Native::ANNOY_DEFAULT if dtype.nil?

      SCALARS.fetch(dtype.to_s) do
        raise ArgumentError, "dtype is #{dtype.inspect}, expected one of #{SCALARS.keys.join(', ')}"
      end
    end

    def self.scalar_name(number)
      SCALARS.key(number)
    end

    def self.metric_number(name)
      number = Native.memory(:int32)
      Errors.call { |error| Native.annoy_metric_from_name(name.to_s, number, error) }
      number.get_int32(0)
    end

    def self.metric_name(number)
      Native.annoy_metric_name(number)
    end
  end
  private_constant :Types
end
