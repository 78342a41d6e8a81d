# frozen_string_literal: true

require "ffi"

module Annoy
  # annoy.h by way of the ffi gem; test/coverage_test.rb compares the two. Internal.
  module Native
    extend FFI::Library

    LIBRARY = File.join(__dir__, "libannoy_rs.#{FFI::Platform::LIBSUFFIX}")
    ffi_lib LIBRARY

    ANNOY_VERSION_MAJOR = 0
    ANNOY_VERSION_MINOR = 1
    ANNOY_VERSION_PATCH = 0
    ANNOY_ABI_VERSION = 1

    ANNOY_OK = 0
    ANNOY_ERR_NULL = 1
    ANNOY_ERR_ARGUMENT = 2
    ANNOY_ERR_DIMENSION = 3
    ANNOY_ERR_ITEM = 4
    ANNOY_ERR_STATE = 5
    ANNOY_ERR_IO = 6
    ANNOY_ERR_FORMAT = 7
    ANNOY_ERR_NOT_FINITE = 8
    ANNOY_ERR_NO_MEMORY = 9
    ANNOY_ERR_CANCELLED = 10
    ANNOY_ERR_TOO_SMALL = 11
    ANNOY_ERR_UNSUPPORTED = 12
    ANNOY_ERR_CORRUPT = 13
    ANNOY_ERR_LABEL = 14
    ANNOY_ERR_PANIC = 100

    ANNOY_ANGULAR = 1
    ANNOY_EUCLIDEAN = 2
    ANNOY_MANHATTAN = 3
    ANNOY_HAMMING = 4
    ANNOY_DOT = 5

    ANNOY_DEFAULT = 0
    ANNOY_F32 = 1
    ANNOY_F64 = 2
    ANNOY_BITS64 = 3
    ANNOY_BITS32 = 4
    ANNOY_BITS8 = 5

    ANNOY_FACT_METRIC = 1
    ANNOY_FACT_LABEL_KIND = 2
    ANNOY_FACT_N_LABELS = 3
    ANNOY_FACT_N_REMOVED = 4
    ANNOY_FACT_N_SHARDS = 5
    ANNOY_FACT_N_MISSING = 6
    ANNOY_FACT_GENERATION = 7
    ANNOY_LABELS_NONE = 0
    ANNOY_LABELS_U64 = 1
    ANNOY_LABELS_UTF8 = 2

    ANNOY_LOG_ERROR = 1
    ANNOY_LOG_WARN = 2
    ANNOY_LOG_INFO = 3
    ANNOY_LOG_DEBUG = 4
    ANNOY_LOAD_PREFAULT = 1
    ANNOY_LOAD_COPY = 2
    ANNOY_OPEN_PARTIAL = 8
    ANNOY_UNLOCKED = 4

    ANNOY_STAGE_ADD = 1
    ANNOY_STAGE_BUILD = 2
    ANNOY_STAGE_SEARCH = 3
    ANNOY_STAGE_SAVE = 4
    ANNOY_STAGE_VERIFY = 5
    ANNOY_STAGE_GRAPH = 6
    ANNOY_STAGE_SCAN = 7

    ANNOY_INSERT_REPLACE = 1
    ANNOY_THAW_BUILT = 1

    ANNOY_SEARCH_EXCLUDE_SELF = 1
    ANNOY_SEARCH_MAX_DISTANCE = 2
    ANNOY_SEARCH_DENY = 4

    ANNOY_METHOD_DEFAULT = 0
    ANNOY_METHOD_FOREST = 1
    ANNOY_METHOD_GRAPH = 2
    ANNOY_METHOD_EXACT = 3
    ANNOY_METHOD_SCAN = 4
    ANNOY_EXACT_ITEMS = 3000

    ANNOY_ELEMENT_F32 = 1
    ANNOY_ELEMENT_F64 = 2
    ANNOY_ELEMENT_BITS = 3
    ANNOY_ELEMENT_F16 = 4
    ANNOY_ELEMENT_BF16 = 5
    ANNOY_ELEMENT_I8 = 6

    ANNOY_ROUNDS_NONE = -1

    # @private
    class AnnoyError < FFI::Struct
      layout :code, :int32, :os_errno, :int32, :message, [:char, 504]
    end

    # @private
    class AnnoyOptions < FFI::Struct
      layout :struct_size, :size_t, :metric, :int32, :scalar, :int32, :id_bits, :int32, :flags, :uint32, :f, :size_t
    end

    # @private
    class AnnoySearchOptions < FFI::Struct
      layout :struct_size, :size_t, :flags, :uint64, :search_k, :int64, :max_distance, :double,
             :bitmap, :pointer, :bitmap_bits, :size_t, :exclude, :pointer, :n_exclude, :size_t,
             :filter, :pointer, :filter_user, :pointer, :method, :int32, :reserved, :int32,
             :recall, :double, :shards, :pointer, :n_shards, :size_t
    end

    # @private
    class AnnoyShard < FFI::Struct
      layout :file, :pointer, :partition, :pointer, :removed, :pointer, :n_removed, :size_t
    end

    # @private
    class AnnoyVectors < FFI::Struct
      layout :struct_size, :size_t, :data, :pointer, :element, :int32, :reserved, :int32, :n, :size_t, :len, :size_t,
             :stride, :size_t
    end

    # @private
    class AnnoyResults < FFI::Struct
      layout :struct_size, :size_t, :ids, :pointer, :distances, :pointer, :distance_element, :int32, :reserved, :int32,
             :counts, :pointer, :n, :size_t, :n_missing, :pointer, :generation, :pointer
    end

    # @private
    class AnnoyLabels < FFI::Struct
      layout :struct_size, :size_t, :kind, :int32, :reserved, :int32, :n, :size_t, :numbers, :pointer, :bytes, :pointer,
             :offsets, :pointer
    end

    # @private
    class AnnoyWork < FFI::Struct
      layout :struct_size, :size_t, :n_threads, :int32, :reserved, :int32, :cancel, :pointer,
             :progress, :pointer, :progress_user, :pointer
    end

    # @private
    class AnnoyGraphOptions < FFI::Struct
      layout :struct_size, :size_t, :degree, :int32, :candidates, :int32, :alpha, :double, :rounds, :int32, :sample, :int32,
             :n_trees, :int32, :reserved, :int32
    end

    # @private
    class AnnoyFault < FFI::Struct
      layout :node, :int64, :text, [:char, 248]
    end

    # @private
    class AnnoyInfo < FFI::Struct
      layout :struct_size, :size_t, :n_items, :int64, :n_present, :int64, :n_trees, :int64, :n_nodes, :int64,
             :n_splits, :int64, :n_coin_splits, :int64, :n_leaves, :int64, :depth, :int64, :bytes, :uint64,
             :seed, :uint64, :node_size, :uint64, :max_leaf, :uint64, :leaf_fill, :double, :imbalance, :double,
             :is_loaded, :int32, :is_described, :int32, :has_seed, :int32, :reserved, :int32, :n_removed, :int64,
             :graph_degree, :int64, :graph_code_bytes, :int64, :graph_recall, :double,
             :scan_lists, :int64, :scan_search_k, :int64, :scan_recall, :double, :n_tuned, :int64
    end

    # @private
    class AnnoyKind < FFI::Struct
      layout :metric, :int32, :scalar, :int32, :id_bits, :int32, :reserved, :int32, :f, :size_t,
             :n_items, :int64, :n_trees, :int64, :layout, [:char, 24]
    end

    # Parameters and results of the functions. These are over at once and keep the
    # interpreter's lock.
    AT_ONCE = {
      annoy_status_name: [[:int32], :string],
      annoy_version: [[], :string],
      annoy_abi_version: [[], :uint32],
      annoy_kernel_name: [[], :string],
      annoy_metric_name: [[:int32], :string],
      annoy_metric_from_name: [%i[string pointer pointer], :int32],
      annoy_new: [%i[int32 size_t pointer pointer], :int32],
      annoy_new_with: [%i[pointer pointer pointer], :int32],
      annoy_close: [%i[pointer pointer], :int32],
      annoy_free: [[:pointer], :void],
      annoy_get_n_items: [[:pointer], :int64],
      annoy_get_n_trees: [[:pointer], :int64],
      annoy_get_f: [[:pointer], :size_t],
      annoy_get_fact: [%i[pointer int32], :int64],
      annoy_get_options: [%i[pointer pointer pointer], :int32],
      annoy_set_seed: [%i[pointer uint64 pointer], :int32],
      annoy_set_log: [%i[pointer int32 pointer pointer pointer], :int32],
      annoy_add_item: [%i[pointer int64 pointer size_t pointer], :int32],
      annoy_get_item: [%i[pointer int64 pointer size_t pointer], :int32],
      annoy_get_vectors: [%i[pointer pointer pointer pointer], :int32],
      annoy_get_distance: [%i[pointer int64 int64 pointer pointer], :int32],
      annoy_set_metadata: [%i[pointer pointer size_t pointer], :int32],
      annoy_get_metadata: [%i[pointer pointer size_t pointer pointer], :int32],
      annoy_get_labels_u64: [%i[pointer pointer size_t pointer pointer pointer], :int32],
      annoy_get_labels: [%i[pointer pointer size_t pointer size_t pointer pointer pointer], :int32],
      annoy_find_label_u64: [%i[pointer uint64 pointer pointer], :int32],
      annoy_find_label: [%i[pointer pointer size_t pointer pointer], :int32],
      annoy_remove_item: [%i[pointer int64 pointer], :int32],
      annoy_restore_item: [%i[pointer int64 pointer], :int32],
      annoy_has_item: [%i[pointer int64], :int32],
      annoy_is_removed: [%i[pointer int64], :int32],
      annoy_cancel_new: [[], :pointer],
      annoy_cancel_set: [[:pointer], :void],
      annoy_cancel_free: [[:pointer], :void]
    }.freeze

    # These may take long, or wait for a disk, and release it.
    BLOCKING = {
      annoy_add: [%i[pointer pointer pointer pointer pointer], :int32],
      annoy_insert: [%i[pointer pointer pointer pointer uint64 pointer pointer], :int32],
      annoy_consolidate: [%i[pointer pointer pointer], :int32],
      annoy_compact: [%i[pointer pointer pointer], :int32],
      annoy_reserve: [%i[pointer size_t pointer], :int32],
      annoy_build: [%i[pointer int32 int32 pointer], :int32],
      annoy_build_trees: [%i[pointer int32 pointer pointer], :int32],
      annoy_build_graph: [%i[pointer pointer pointer pointer], :int32],
      annoy_build_scan: [%i[pointer pointer pointer], :int32],
      annoy_build_auto: [%i[pointer double pointer pointer], :int32],
      annoy_tune: [%i[pointer pointer pointer pointer], :int32],
      annoy_thaw: [%i[pointer uint64 pointer], :int32],
      annoy_unbuild: [%i[pointer pointer], :int32],
      annoy_on_disk_build: [%i[pointer string pointer], :int32],
      annoy_save: [%i[pointer string pointer], :int32],
      annoy_save_to: [%i[pointer string pointer pointer], :int32],
      annoy_save_to_buffer: [%i[pointer pointer size_t pointer pointer pointer], :int32],
      annoy_load_from_buffer: [%i[pointer pointer size_t uint64 pointer], :int32],
      annoy_open_buffer: [%i[pointer size_t uint64 pointer pointer], :int32],
      annoy_save_and_load: [%i[pointer string uint64 pointer pointer], :int32],
      annoy_load: [%i[pointer string uint64 pointer], :int32],
      annoy_open: [%i[string uint64 pointer pointer], :int32],
      annoy_commit_shards: [%i[string pointer size_t uint64 uint64 pointer pointer], :int32],
      annoy_refresh: [%i[pointer pointer pointer], :int32],
      annoy_unload: [%i[pointer pointer], :int32],
      annoy_set_labels: [%i[pointer pointer pointer pointer], :int32],
      annoy_get_nns_by_item: [%i[pointer int64 size_t int64 pointer pointer pointer pointer], :int32],
      annoy_get_nns_by_vector: [%i[pointer pointer size_t size_t int64 pointer pointer pointer pointer], :int32],
      annoy_search: [%i[pointer pointer pointer pointer pointer pointer], :int32],
      annoy_search_items: [%i[pointer pointer size_t pointer pointer pointer pointer], :int32],
      annoy_estimate_recall: [%i[pointer size_t size_t int64 uint64 pointer pointer pointer], :int32],
      annoy_verify: [%i[pointer pointer size_t pointer pointer pointer], :int32],
      annoy_verify_file: [%i[string pointer size_t pointer pointer pointer], :int32],
      annoy_get_ids: [%i[pointer pointer size_t pointer pointer], :int32],
      annoy_get_info: [%i[pointer pointer pointer], :int32],
      annoy_probe: [%i[string pointer size_t pointer pointer], :int32]
    }.freeze

    AT_ONCE.each { |name, (parameters, result)| attach_function name, parameters, result }
    BLOCKING.each { |name, (parameters, result)| attach_function name, parameters, result, blocking: true }
    # For one vector.
    attach_function :add_at_once, :annoy_add, *BLOCKING[:annoy_add]

    found = annoy_abi_version
    unless found == ANNOY_ABI_VERSION
      raise LoadError, "#{LIBRARY} has version #{found} of the ABI, expected #{ANNOY_ABI_VERSION}"
    end

    # Memory for `count` elements, zeroed. ffi multiplies sizes without looking.
    def self.memory(type, count = 1)
      raise OutOfMemoryError, "cannot get memory for #{count} results" if count > 2**40

      FFI::MemoryPointer.new(type, [count, 1].max)
    end

    # Memory with these bytes in it.
    def self.bytes(string)
      memory(:char, string.bytesize).put_bytes(0, string)
    end
  end
  private_constant :Native
end
