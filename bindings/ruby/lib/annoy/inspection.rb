# frozen_string_literal: true

module Annoy
  # Something wrong in an index; `node` is -1 when it is about the file as a whole.
  Fault = Struct.new(:node, :text)

  # What a file may be.
  Kind = Struct.new(:metric, :dtype, :id_bits, :f, :n_items, :n_trees, :layout)

  # The part of {Index} that looks at it.
  module Inspection
    LEVELS = {
      error: Native::ANNOY_LOG_ERROR, warn: Native::ANNOY_LOG_WARN, info: Native::ANNOY_LOG_INFO, debug: Native::ANNOY_LOG_DEBUG
    }.freeze
    private_constant :LEVELS

    # Looks at every byte: checksums, nodes, ids, values. Can be interrupted.
    #
    # @yieldparam done [Integer] how far it is, in the thread of the caller, of `total`
    # @yieldparam total [Integer]
    # @return [Array<Fault>] the first `limit` faults; none when all is well
    # @raise [StateError]
    def verify(limit: 20, &progress)
      Inspection.faults(limit, progress) do |*results|
        @handle.shared { |index| Native.annoy_verify(index, *results) }
      end
    end

    # The facts about the index: counts, sizes, depth and balance of its trees. Walks all trees.
    #
    # @return [Hash{Symbol => Object}]
    def info
      facts = Native::AnnoyInfo.new
      facts[:struct_size] = Native::AnnoyInfo.size
      @handle.read(:annoy_get_info, facts)
      told = facts.members.to_h { |name| [name, facts[name]] }
      told[:seed] = nil if told.delete(:has_seed).zero?
      %i[graph_recall scan_recall].each { |name| told[name] = nil if told[name].negative? }
      %i[is_loaded is_described].each { |name| told[name] = told[name] != 0 }
      { f: f, metric: metric, dtype: dtype, id_bits: id_bits }.merge(told.except(:struct_size, :reserved))
    end

    # Sets the block that gets messages about what the index does. The default is none. The
    # library never prints.
    #
    # @param level [Symbol] the least important messages that are wanted: :error,
    #   :warn, :info or :debug
    # @yieldparam level [Symbol]
    # @yieldparam text [String]
    # @return [nil]
    def on_log(level = :info, &block)
      number = LEVELS.fetch(level) { raise ArgumentError, "level is #{level.inspect}, expected one of #{LEVELS.keys.inspect}" }
      @handle.log(number, block && Callbacks.log { |number, text| block.call(LEVELS.key(number), text) })
      nil
    end

    # Has what the index does printed to $stderr, or not.
    #
    # @return [nil]
    def verbose(flag)
      flag == true ? on_log { |_, text| $stderr.puts(text) } : on_log
    end

    class << self
      # @private
      def faults(limit, progress)
        unless limit.is_a?(Integer) && limit >= 0
          raise ArgumentError, "limit is #{limit.inspect}, expected an Integer of at least 0"
        end

        size = Native::AnnoyFault.size
        room = Native.memory(:char, size * limit)
        n = Native.memory(:size_t)
        work = Work.new(&progress)
        n = Errors.room do |error|
          status = work.apart { yield room, limit, n, work, error }
          n = n.get_ulong(0)
          Errors.check(status, error) unless status == Native::ANNOY_ERR_CORRUPT && n.positive?
          n
        end
        Array.new([n, limit].min) do |i|
          fault = Native::AnnoyFault.new(room + i * size)
          Fault.new(fault[:node], fault[:text].to_s.force_encoding(Encoding::UTF_8).scrub)
        end
      end

      # @private
      def kind(kind)
        metric, dtype = Types.metric_name(kind[:metric]), Types.scalar_name(kind[:scalar])
        Kind.new(metric, dtype, kind[:id_bits], kind[:f], kind[:n_items], kind[:n_trees], kind[:layout].to_s)
      end
    end
  end

  class << self
    # Verifies a file that says what it is.
    #
    # @yieldparam (see Inspection#verify)
    # @return (see Inspection#verify)
    # @raise [FileError]
    def verify_file(path, limit: 20, &progress)
      path = Files.path(path)
      Inspection.faults(limit, progress) { |*results| Native.annoy_verify_file(path, *results) }
    end

    # Finds out what a file may be: one kind if the file says so itself, otherwise every kind whose
    # structure it has.
    #
    # @return [Array<Kind>]
    # @raise [FileError]
    def probe(path)
      capacity = 0
      size = Native::AnnoyKind.size
      path = Files.path(path)
      loop do
        room = Native.memory(:char, size * capacity)
        n = Native.memory(:size_t)
        Errors.call { |error| Native.annoy_probe(path, room, capacity, n, error) }
        n = n.get_ulong(0)
        return Array.new(n) { |i| Inspection.kind(Native::AnnoyKind.new(room + i * size)) } if n <= capacity

        capacity = n
      end
    end
  end
end
