# frozen_string_literal: true

# As much of numo-narray as the gem calls.
module Numo
  class NArray
    attr_reader :shape

    def self.cast(from)
      from = from.to_a
      shape = from.first.is_a?(Array) ? [from.length, from.first.length] : [from.length]
      new(shape, from.flatten)
    end

    def initialize(shape, flat)
      @shape = shape
      @flat = flat.pack("#{self.class::FORMAT}*").unpack("#{self.class::FORMAT}*")
    end

    def ndim = @shape.length
    def size = @flat.length
    def to_a = ndim == 2 ? @flat.each_slice(@shape[1]).to_a : @flat
    def to_binary = @flat.pack("#{self.class::FORMAT}*")
  end

  { SFloat: "f", DFloat: "d", Int32: "l", Int64: "q", UInt64: "Q", UInt8: "C" }.each do |name, format|
    const_set(name, Class.new(NArray) { const_set(:FORMAT, format) })
  end
end
