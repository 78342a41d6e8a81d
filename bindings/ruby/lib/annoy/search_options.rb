# frozen_string_literal: true

module Annoy
  # An annoy_search_options and all that it points to. Internal.
  class SearchOptions
    WAYS = { forest: Native::ANNOY_METHOD_FOREST, graph: Native::ANNOY_METHOD_GRAPH, scan: Native::ANNOY_METHOD_SCAN }.freeze

    # @param work [Work, nil] that of the search; needed where there is a filter
    def initialize(n_items, work, search_k: -1, max_distance: nil, exclude: nil, exclude_self: false,
                   allow: nil, deny: nil, filter: nil, exact: false, way: nil, recall: nil)
      # To annoy.h that is the default here, and nothing at all elsewhere.
      raise ArgumentError, "allow and deny are both given, expected one of them" if allow && deny
      raise ArgumentError, "exact and way are both given, expected one of them" if exact && way

      @struct = Native::AnnoySearchOptions.new
      @struct[:struct_size] = Native::AnnoySearchOptions.size
      @struct[:search_k] = search_k
      @struct[:method] = Native::ANNOY_METHOD_EXACT if exact
      self.way = way unless way.nil?
      @struct[:recall] = Float(recall) unless recall.nil?
      flag(Native::ANNOY_SEARCH_EXCLUDE_SELF) if exclude_self
      self.max_distance = max_distance unless max_distance.nil?
      self.exclude = exclude unless exclude.nil?
      bitmap(allow || deny, n_items) if allow || deny
      flag(Native::ANNOY_SEARCH_DENY) if deny
      filter(filter, work) unless filter.nil?
    end

    def to_ptr
      @struct.to_ptr
    end

    private

    def flag(flag)
      @struct[:flags] |= flag
    end

    def way=(way)
      @struct[:method] = WAYS.fetch(way) { raise ArgumentError, "way is #{way.inspect}, expected one of #{WAYS.keys.inspect}" }
    end

    def max_distance=(distance)
      flag(Native::ANNOY_SEARCH_MAX_DISTANCE)
      @struct[:max_distance] = Float(distance)
    end

    def exclude=(ids)
      bytes = Vectors.ids(ids)
      @struct[:exclude] = @excluded = Native.bytes(bytes)
      @struct[:n_exclude] = bytes.bytesize / 8
    end

    # @param which a mask, an Array of true and false for all items; or ids
    def bitmap(which, n_items)
      which = which.to_a
      mask = [true, false].include?(which.first) ? mask_of(which) : mask_of_ids(which, n_items)
      @struct[:bitmap_bits] = mask.bytesize
      # Whole words.
      bytes = [mask.ljust([(mask.bytesize + 63) / 64, 1].max * 64, "0")].pack("b*")
      @struct[:bitmap] = @bitmap = Native.bytes(bytes)
    end

    def mask_of(which)
      which.map { |is| is ? "1" : "0" }.join
    end

    def mask_of_ids(ids, n_items)
      mask = "0" * n_items
      ids.each do |id|
        unless id.is_a?(Integer) && id >= 0 && id < n_items
          raise ItemError, "item id is #{id.inspect}, expected one of the index's #{n_items} items"
        end

        mask.setbyte(id, 49)
      end
      mask
    end

    def filter(filter, work)
      @filter = FFI::Function.new(:int32, %i[pointer int64]) do |_, item|
        work.guard(0) do
          next 0 if work.look_up

          found = filter.call(item) ? 1 : 0
          work.look_up
          found
        end
      end
      @struct[:filter] = @filter
    end
  end
  private_constant :SearchOptions
end
