# frozen_string_literal: true

module Annoy
  # The part of {Index} for labels and removal. Labels are the Strings or Integers by which callers
  # know the items; they are saved with the index. All of it is legal in every state.
  module Labels
    KINDS = {
      Native::ANNOY_LABELS_NONE => nil, Native::ANNOY_LABELS_U64 => :integer, Native::ANNOY_LABELS_UTF8 => :string
    }.freeze
    private_constant :KINDS

    # @private
    def self.kind(index)
      Native.annoy_get_fact(index, Native::ANNOY_FACT_LABEL_KIND)
    end

    # @return [Symbol, nil] what the labels are, :integer or :string; nil when no item has one
    def label_kind
      KINDS[@handle.shared { |index| Labels.kind(index) }]
    end

    # @return [Integer] how many items have labels
    def n_labels
      @handle.shared { |index| Native.annoy_get_fact(index, Native::ANNOY_FACT_N_LABELS) }
    end

    # Gives an item a label, in place of the one it had. All labels of an index are of one kind, and
    # no two items have the same.
    #
    # @param label [String, Integer] an Integer from 0 to 2**64 - 1
    # @return [true]
    # @raise [ItemError, LabelError, UnsupportedError]
    def set_label(item, label)
      @handle.change(:annoy_set_labels, Labels.id(item), Labels.view([label]))
      true
    end

    # Gives labels to items, all or none: label `i` to item `ids[i]`, or to item `i`. Items
    # may swap labels.
    #
    # @param labels [Enumerable<String>, Enumerable<Integer>]
    # @param ids [Enumerable<Integer>, nil]
    # @return [true]
    # @raise (see #set_label)
    def set_labels(labels, ids: nil)
      labels = labels.to_a
      ids = Vectors.ids(ids) unless ids.nil?
      unless ids.nil? || ids.bytesize == labels.length * 8
        raise ArgumentError, "the number of ids is #{ids.bytesize / 8}, expected one for each of #{labels.length} labels"
      end

      @handle.change(:annoy_set_labels, ids, Labels.view(labels))
      true
    end

    # Takes an item's label away, if it has one.
    #
    # @return [true]
    # @raise [ItemError]
    def clear_label(item)
      @handle.change(:annoy_set_labels, Vectors.ids([item]), Labels.none(1))
      true
    end

    # Takes all labels away; those to come may be of the other kind.
    #
    # @return [true]
    def clear_labels
      @handle.change(:annoy_set_labels, nil, Labels.none(0))
      true
    end

    # An item's label.
    #
    # @return [String, Integer]
    # @raise [ItemError] for an id that the index does not have
    # @raise [LabelError] (a KeyError) when the item has none
    def label(item)
      item = Labels.id(item)
      @handle.shared do |index|
        if Labels.kind(index) == Native::ANNOY_LABELS_U64
          label = Native.memory(:uint64)
          Errors.call { |error| Native.annoy_get_labels_u64(index, item, 1, label, nil, error) }
          label.get_uint64(0)
        else
          Labels.in_room(64) do |text, room, length, error|
            Native.annoy_get_labels(index, item, 1, text, room, nil, length, error)
          end
        end
      end
    end

    # The labels of items, such as a search found; `otherwise` for an item without one.
    #
    # @param ids [Enumerable<Integer>]
    # @return [Array]
    # @raise [ItemError]
    def labels(ids, otherwise = nil)
      ids = Vectors.ids(ids)
      n = ids.bytesize / 8
      @handle.shared do |index|
        if Labels.kind(index) == Native::ANNOY_LABELS_U64
          Labels.numbers_of(index, ids, n, otherwise)
        else
          Labels.strings_of(index, ids, n, otherwise)
        end
      end
    end

    # The item with a label.
    #
    # @return [Integer] its id
    # @raise [LabelError] (a KeyError) when no item has it
    # @raise [UnsupportedError] when labels are of the other kind
    def find_label(label)
      item = Native.memory(:int64)
      if label.is_a?(String)
        label = Labels.text(label)
        @handle.read(:annoy_find_label, label, label.bytesize, item)
      else
        @handle.read(:annoy_find_label_u64, Labels.number(label), item)
      end
      item.get_int64(0)
    end

    # Marks an item as removed: no search finds it any more, and the next build leaves it out.
    #
    # @return [true]
    # @raise [ItemError]
    def remove_item(item)
      @handle.change(:annoy_remove_item, item)
      true
    end

    # Takes the mark of a removed item away.
    #
    # @return [true]
    # @raise [ItemError]
    def restore_item(item)
      @handle.change(:annoy_restore_item, item)
      true
    end

    # @return [Boolean] whether an id holds an item: one that is neither missing (a hole, or past
    #   the last) nor removed
    def has_item?(item) # rubocop:disable Naming/PredicateName
      @handle.shared { |index| Native.annoy_has_item(index, item) != 0 }
    end

    # @return [Array<Integer>] the ids that hold items, ascending
    def ids
      @handle.shared do |index|
        room = Native.annoy_get_n_items(index)
        ids = Native.memory(:int64, room)
        n = Native.memory(:size_t)
        Errors.call { |error| Native.annoy_get_ids(index, ids, room, n, error) }
        ids.get_array_of_int64(0, n.get_ulong(0))
      end
    end

    # @return [Boolean] whether an item is marked as removed
    def removed?(item)
      @handle.shared { |index| Native.annoy_is_removed(index, item) != 0 }
    end

    # @return [Integer] how many items are marked as removed
    def n_removed
      @handle.shared { |index| Native.annoy_get_fact(index, Native::ANNOY_FACT_N_REMOVED) }
    end

    class << self
      # @private
      #
      # Where the id of one item is.
      def id(item)
        Native.memory(:int64).put_int64(0, item)
      end

      # @private
      #
      # The annoy_labels of no kind, which take away those of `n` items.
      def none(n)
        view = Native::AnnoyLabels.new
        view[:struct_size] = Native::AnnoyLabels.size
        view[:kind] = Native::ANNOY_LABELS_NONE
        view[:n] = n
        view
      end

      # @private
      #
      # The annoy_labels of an Array.
      def view(labels)
        view = none(labels.length)
        if labels.first.is_a?(String)
          texts = labels.map { |label| text(label).b }
          offsets = texts.each_with_object([0]) { |text, sums| sums << sums.last + text.bytesize }
          view[:kind] = Native::ANNOY_LABELS_UTF8
          view[:bytes] = Native.bytes(texts.join)
          view[:offsets] = Native.bytes(offsets.pack("J*"))
        else
          view[:kind] = Native::ANNOY_LABELS_U64
          view[:numbers] = Native.bytes(labels.map { |label| number(label) }.pack("Q*"))
        end
        view
      end

      # @private
      def text(label)
        raise ArgumentError, "a label is #{label.inspect}, expected a String as the first" unless label.is_a?(String)
        return label if [Encoding::UTF_8, Encoding::BINARY].include?(label.encoding)

        label.encode(Encoding::UTF_8)
      end

      # @private
      def number(label)
        return label if label.is_a?(Integer) && label >= 0 && label < 2**64

        raise ArgumentError, "a label is #{label.inspect}, expected a String, or an Integer from 0 to 2**64 - 1"
      end

      # @private
      #
      # What a call writes to room for so many bytes, or for as many as it says it takes.
      def in_room(room)
        length = Native.memory(:size_t)
        loop do
          text = FFI::MemoryPointer.new([room, 1].max)
          small = false
          Errors.call do |error|
            status = yield text, room, length, error
            small = status == Native::ANNOY_ERR_TOO_SMALL
            small ? Native::ANNOY_OK : status
          end
          room = length.get_ulong(0)
          return text.get_bytes(0, room).force_encoding(Encoding::UTF_8) unless small
        end
      end

      # @private
      def numbers_of(index, ids, n, otherwise)
        labels = Native.memory(:uint64, n)
        found = Native.memory(:uint8, n)
        Errors.call { |error| Native.annoy_get_labels_u64(index, ids, n, labels, found, error) }
        labels.get_array_of_uint64(0, n).zip(found.get_array_of_uint8(0, n)).map do |label, is_there|
          is_there.zero? ? otherwise : label
        end
      end

      # @private
      def strings_of(index, ids, n, otherwise)
        lengths = Native.memory(:int64, n)
        texts = in_room(32 * n) do |text, room, length, error|
          Native.annoy_get_labels(index, ids, n, text, room, lengths, length, error)
        end
        at = 0
        lengths.get_array_of_int64(0, n).map do |length|
          next otherwise if length.negative?

          at += length
          texts.byteslice(at - length, length)
        end
      end
    end
  end
end
