// The index.
#pragma once

#include <string_view>

#include "info.hpp"
#include "labels.hpp"
#include "path.hpp"
#include "search.hpp"

namespace annoy {

// Hears what an index does. The text is gone after the call.
using log_function = std::function<void(log_level, std::string_view)>;

// An index. Movable, not copyable. One that was moved from, or made without arguments, holds
// nothing: calls on it fail with status::null, its counts are 0. A comment names the call of
// annoy.h where its name is another; there are the errors.
class index {
 public:
  using path = std::filesystem::path;
  using neighbors = annoy::neighbors;

  // Making.

  index() noexcept = default;
  // An empty index. One that could not be made holds nothing (annoy_new_with).
  explicit index(const options& wanted, on_error why = {}) { make(wanted, why); }
  // The same with Annoy's usual types: f32 (64-bit words for hamming) and 32-bit ids.
  index(annoy::metric metric, std::size_t f, on_error why = {}) { make({metric, f}, why); }

  // Opens a file that describes itself, as all files of this library do. A file by Annoy itself is
  // status::format; annoy::probe helps with it. See load(). Or a directory of shards, as one index
  // that cannot be changed: see annoy::commit_shards.
  [[nodiscard]] static index open(const path& file, load_flags flags = {}, on_error why = {}) {
    index opened;
    detail::with_path(file, why, [&](const char* name) {
      opened.handle_.reset(
          why.get(static_cast<annoy_index*>(nullptr), annoy_open, name, number(flags)));
      return true;
    });
    return opened;
  }
  // Takes up the manifest that a directory of shards has now, while searches go on: its generation.
  // Ids stay where shards were only added behind those there were.
  std::uint64_t refresh(on_error why = {}) const {
    return why.get(std::uint64_t{0}, annoy_refresh, handle());
  }
  // How many shards a directory has, and how many of them are not there and are not searched; 0 for
  // an index of one file (annoy_get_fact).
  [[nodiscard]] std::int64_t n_shards() const noexcept {
    return annoy_get_fact(handle(), ANNOY_FACT_N_SHARDS);
  }
  [[nodiscard]] std::int64_t n_missing() const noexcept {
    return annoy_get_fact(handle(), ANNOY_FACT_N_MISSING);
  }
  // Of the manifest that is searched; 0 for an index of one file (annoy_get_fact).
  [[nodiscard]] std::int64_t generation() const noexcept {
    return annoy_get_fact(handle(), ANNOY_FACT_GENERATION);
  }
  // The same of a file's bytes in memory (annoy_open_buffer). See load_bytes().
  [[nodiscard]] static index from_bytes(bytes_view bytes, load_flags flags = {},
                                        on_error why = {}) {
    index opened;
    opened.handle_.reset(why.get(static_cast<annoy_index*>(nullptr), annoy_open_buffer,
                                 bytes.data(), bytes.size(), number(flags)));
    return opened;
  }

  index(index&&) noexcept = default;
  index& operator=(index&& other) noexcept {
    index(std::move(other)).swap(*this);
    return *this;
  }
  // Removes a file being built on disk unless its build was completed.
  ~index() = default;
  // Waits for the calls under way, and frees all that the index holds; later calls fail. For
  // threads that share one: the end of its life has to come after their last call.
  bool close(on_error why = {}) { return why.call(annoy_close, handle()); }
  void swap(index& other) noexcept {
    log_.swap(other.log_);
    handle_.swap(other.handle_);
  }
  friend void swap(index& a, index& b) noexcept { a.swap(b); }

  // Whether it holds an index.
  explicit operator bool() const noexcept { return handle_ != nullptr; }
  // For calls of annoy.h. It stays this object's to free, and its log this object's to set.
  [[nodiscard]] annoy_index* native_handle() noexcept { return handle_.get(); }
  [[nodiscard]] const annoy_index* native_handle() const noexcept { return handle_.get(); }

  // Questions that cannot fail.

  // The largest id plus one, missing ones included; 0 trees before the build.
  [[nodiscard]] std::int64_t n_items() const noexcept { return annoy_get_n_items(handle()); }
  [[nodiscard]] std::int64_t n_trees() const noexcept { return annoy_get_n_trees(handle()); }
  // Length of the vectors: numbers, or bits for hamming; and the words that so many bits take.
  [[nodiscard]] std::size_t f() const noexcept { return annoy_get_f(handle()); }
  [[nodiscard]] std::size_t n_words() const noexcept { return f() / 64 + (f() % 64 != 0); }
  // metric{} and scalar::automatic for an index that holds nothing.
  [[nodiscard]] annoy::metric metric() const noexcept {
    return static_cast<annoy::metric>(annoy_get_fact(handle(), ANNOY_FACT_METRIC));
  }
  [[nodiscard]] annoy::scalar scalar() const noexcept {
    return static_cast<annoy::scalar>(made_with().scalar);
  }
  [[nodiscard]] std::int32_t id_bits() const noexcept { return made_with().id_bits; }

  // Settings.

  // The seed of the next build. It stays through save, load and unload.
  bool set_seed(std::uint64_t seed, on_error why = {}) {
    return why.call(annoy_set_seed, handle(), seed);
  }
  // Who hears what the index does; an empty function for silence, which is the default. The index
  // keeps the function. It must be good for several threads where the index is used by several.
  // What it throws goes no further. It hears messages of a level and the more important ones.
  bool set_log(log_function log, log_level most = log_level::info, on_error why = {}) {
    // In memory of its own, so that its address stays when the index moves.
    auto kept = log ? std::make_unique<log_function>(std::move(log)) : nullptr;
    const auto level = static_cast<std::int32_t>(most);
    if (!why.call(annoy_set_log, handle(), level, kept ? &hear : nullptr, kept.get())) return false;
    log_ = std::move(kept);
    return true;
  }

  // Items.

  // Adds an item, or replaces it. Ids start at 0 and come in any order.
  bool add(std::int64_t item, vector_view v, on_error why = {}) {
    // The shorter way, for what most indexes hold.
    if (v.native().element == ANNOY_ELEMENT_F32)
      return why.call(annoy_add_item, handle(), item, static_cast<const float*>(v.data()),
                      v.size());
    return why.call(annoy_add, handle(), &item, &v.native(), nullptr);
  }
  // Adds many items, all or none. Their ids follow the last item, or are those given: one for each
  // row, of rows with the same id the last counts.
  bool add(rows_view rows, const work& how = {}, on_error why = {}) {
    return add_rows(nullptr, rows, how, why);
  }
  bool add(item_ids ids, rows_view rows, const work& how = {}, on_error why = {}) {
    return one_each(ids, "one for each row", rows.n_rows(), why) &&
           add_rows(ids.data(), rows, how, why);
  }
  // Inserts items into a built index without building it anew, all or none: the next search finds
  // them. Their ids follow the last item, or are those given: one for each row, each once. A loaded
  // index needs thaw_built() first.
  bool insert(rows_view rows, const insert_options& wanted = {}, const work& how = {},
              on_error why = {}) {
    return insert_rows(nullptr, rows, wanted, how, why);
  }
  bool insert(item_ids ids, rows_view rows, const insert_options& wanted = {},
              const work& how = {}, on_error why = {}) {
    return one_each(ids, "one for each row", rows.n_rows(), why) &&
           insert_rows(ids.data(), rows, wanted, how, why);
  }
  // Takes the removed items out of trees, graph and scan of a built index without building it anew.
  // They are missing from then on, their labels gone, and their ids can be inserted again.
  bool consolidate(const work& how = {}, on_error why = {}) {
    return detail::run(why, how, annoy_consolidate, handle());
  }
  // Builds trees, graph and scan anew, those of them that it has, without the removed items: the
  // bytes are those of a fresh build of what is left. What tune() measured is dropped.
  bool compact(const work& how = {}, on_error why = {}) {
    return detail::run(why, how, annoy_compact, handle());
  }
  // Takes room for so many items ahead of need; their number stays.
  bool reserve(std::size_t n_items, on_error why = {}) {
    return why.call(annoy_reserve, handle(), n_items);
  }

  // An item's vector; get_item<double>(3) for one of doubles (annoy_get_vectors).
  template <class T = float>
  [[nodiscard]] std::vector<T> get_item(std::int64_t item, on_error why = {}) const {
    static_assert(detail::written<T>, "annoy: elements are float, double or std::uint64_t");
    std::vector<T> v(std::is_same_v<T, std::uint64_t> ? n_words() : f());
    if (!read(item, v, why)) v.clear();
    return v;
  }
  // The same into the caller's room, which has the vector's size.
  bool get_item_into(std::int64_t item, room v, on_error why = {}) const {
    return read(item, v, why);
  }
  // The distance between two items, for dot their inner product; 0 on failure.
  [[nodiscard]] double get_distance(std::int64_t i, std::int64_t j, on_error why = {}) const {
    return why.get(0.0, annoy_get_distance, handle(), i, j);
  }

  // Removal: no search finds a removed item, and the next build leaves it out (annoy_remove_item,
  // annoy_restore_item).
  bool remove(std::int64_t item, on_error why = {}) {
    return why.call(annoy_remove_item, handle(), item);
  }
  bool restore(std::int64_t item, on_error why = {}) {
    return why.call(annoy_restore_item, handle(), item);
  }
  [[nodiscard]] bool is_removed(std::int64_t item) const noexcept {
    return annoy_is_removed(handle(), item) != 0;
  }
  [[nodiscard]] std::int64_t n_removed() const noexcept {
    return annoy_get_fact(handle(), ANNOY_FACT_N_REMOVED);
  }
  // Whether an id holds an item: one that is neither missing (a hole, or past the last) nor
  // removed.
  [[nodiscard]] bool has_item(std::int64_t item) const noexcept {
    return annoy_has_item(handle(), item) != 0;
  }
  // The ids that do, ascending.
  [[nodiscard]] std::vector<std::int64_t> ids(on_error why = {}) const {
    std::vector<std::int64_t> found(static_cast<std::size_t>(n_items()));
    found.resize(why.get(std::size_t{0}, annoy_get_ids, handle(), found.data(), found.size()));
    return found;
  }

  // Trees, graph and scan.

  // Builds a forest over the items. More trees find better and make a larger file; `automatic` adds
  // trees until there are twice as many nodes as items (annoy_build_trees).
  bool build(std::int32_t n_trees, const work& how = {}, on_error why = {}) {
    return detail::run(why, how, annoy_build_trees, handle(), n_trees);
  }
  // Builds a graph over the items of a built or loaded index. Searches then walk it, and find more
  // in less time. It is saved with the index, and goes when the trees go.
  bool build_graph(const graph_options& wanted = {}, const work& how = {}, on_error why = {}) {
    const annoy_graph_options raw{sizeof raw,    wanted.degree, wanted.candidates, wanted.alpha,
                                  wanted.rounds, wanted.sample, wanted.n_trees,    0};
    return detail::run(why, how, annoy_build_graph, handle(), &raw);
  }
  // Puts the items of a built or loaded index into lists of near ones. Searches read these in a
  // row, for method::scan, and by default where there is no graph. They are saved with the index,
  // and go when the trees go. Not for manhattan and hamming.
  bool build_scan(const work& how = {}, on_error why = {}) {
    return detail::run(why, how, annoy_build_scan, handle());
  }
  // Builds a graph or a scan, whichever is expected to find `recall` of the nearest (0: 0.95) in
  // less time, in place of both; then measures it, as tune().
  bool build_auto(double recall = 0, const work& how = {}, on_error why = {}) {
    return detail::run(why, how, annoy_build_auto, handle(), recall);
  }
  // Measures what share of the nearest ten searches find, by how much they look at, so that they
  // can be asked for a recall. Queries are 512 of the items, or these. The measurement is saved
  // with the index, and goes when trees, graph or scan are built anew.
  bool tune(const work& how = {}, on_error why = {}) {
    return detail::run(why, how, annoy_tune, handle(), nullptr);
  }
  bool tune(rows_view queries, const work& how = {}, on_error why = {}) {
    return whole(queries, "queries: found a last one that is not whole, expected whole rows",
                 why) &&
           detail::run(why, how, annoy_tune, handle(), &queries.native());
  }
  // Takes the trees away, so that items can be added again. A loaded index needs thaw().
  bool unbuild(on_error why = {}) { return why.call(annoy_unbuild, handle()); }
  // Copies a loaded index to memory with all it has, so that items can be inserted.
  bool thaw_built(on_error why = {}) {
    return why.call(annoy_thaw, handle(), std::uint64_t{ANNOY_THAW_BUILT});
  }
  // Makes an index one that items can be added to, whatever its state was.
  bool thaw(on_error why = {}) { return why.call(annoy_thaw, handle(), std::uint64_t{0}); }

  // Files.

  // Items and trees go to a file instead of to memory; to be called before items are added. build()
  // completes the file.
  bool on_disk_build(const path& file, on_error why = {}) {
    return detail::with_path(
        file, why, [&](const char* name) { return why.call(annoy_on_disk_build, handle(), name); });
  }
  // Writes a file, all or nothing and durable. The index stays as it is (annoy_save_to).
  bool save(const path& file, const work& how = {}, on_error why = {}) const {
    return detail::with_path(file, why, [&](const char* name) {
      return detail::run(why, how, annoy_save_to, handle(), name);
    });
  }
  // Saves, then loads the new file in place of what is in memory: what Annoy's own save does.
  bool save_and_load(const path& file, load_flags flags = {}, const work& how = {},
                     on_error why = {}) {
    return detail::with_path(file, why, [&](const char* name) {
      return detail::run(why, how, annoy_save_and_load, handle(), name, number(flags));
    });
  }
  // Maps a file, ours or Annoy's, of this metric, f and types, in place of whatever the index
  // holds. While it is mapped it must not be shortened or rewritten in place. With load_flags::copy
  // anything may happen to it.
  bool load(const path& file, load_flags flags = {}, on_error why = {}) {
    return detail::with_path(file, why, [&](const char* name) {
      return why.call(annoy_load, handle(), name, number(flags));
    });
  }
  // The same of a file's bytes. They must stay where and as they are until the index is gone,
  // unloaded or thawed, or has loaded something else; with load_flags::copy they are copied
  // (annoy_load_from_buffer).
  bool load_bytes(bytes_view bytes, load_flags flags = {}, on_error why = {}) {
    return why.call(annoy_load_from_buffer, handle(), bytes.data(), bytes.size(), number(flags));
  }
  // The bytes that save() writes; to_bytes<char>() for chars, or unsigned chars.
  template <class Byte = std::byte>
  [[nodiscard]] std::vector<Byte> to_bytes(const work& how = {}, on_error why = {}) const {
    std::vector<Byte> bytes(size_of_file(why));
    if (!why.why()) bytes.resize(write_to(bytes.data(), bytes.size(), how, why));
    return bytes;
  }
  // How many they are; 0 on failure.
  [[nodiscard]] std::size_t saved_size(on_error why = {}) const {
    return size_of_file(why);
  }
  // Writes them to the start of a buffer. Returns their number, 0 on failure.
  std::size_t save_to_buffer(span<std::byte> buffer, const work& how = {},
                             on_error why = {}) const {
    return write_to(buffer.data(), buffer.size(), how, why);
  }
  // Bytes of the caller that are saved with the index: at most 65,536.
  bool set_metadata(std::string_view bytes, on_error why = {}) {
    return why.call(annoy_set_metadata, handle(), bytes.data(), bytes.size());
  }
  bool set_metadata(span<const std::byte> bytes, on_error why = {}) {
    return why.call(annoy_set_metadata, handle(), bytes.data(), bytes.size());
  }
  // Those last set, or those of the file loaded since.
  [[nodiscard]] std::string metadata(on_error why = {}) const {
    return in_room(64, why, [&](char* bytes, std::size_t room, std::size_t* size) {
      return annoy_get_metadata(handle(), bytes, room, size, why.native());
    });
  }
  // Drops items, trees, metadata, labels and file. Metric, f, types, seed and log stay.
  bool unload(on_error why = {}) { return why.call(annoy_unload, handle()); }

  // Labels: the names that items have outside the index, numbers or strings of UTF-8, one kind in
  // an index, no two items alike. They are saved with the index.

  [[nodiscard]] annoy::label_kind label_kind() const noexcept {
    return static_cast<annoy::label_kind>(annoy_get_fact(handle(), ANNOY_FACT_LABEL_KIND));
  }
  [[nodiscard]] std::int64_t n_labels() const noexcept {
    return annoy_get_fact(handle(), ANNOY_FACT_N_LABELS);
  }
  // In place of the one the item had.
  bool set_label(std::int64_t item, std::uint64_t label, on_error why = {}) {
    const std::uint64_t one[] = {label};
    return give(&item, label_list(one).native(), why);
  }
  bool set_label(std::int64_t item, std::string_view label, on_error why = {}) {
    const std::string_view one[] = {label};
    return give(&item, label_list(one).native(), why);
  }
  // Many, all or none, for the first items, or one for each of `ids`. Items may swap theirs.
  bool set_labels(const label_list& labels, on_error why = {}) {
    return give(nullptr, labels.native(), why);
  }
  bool set_labels(item_ids ids, const label_list& labels, on_error why = {}) {
    return one_each(ids, "one for each label", labels.size(), why) &&
           give(ids.data(), labels.native(), why);
  }
  // Take one away, or all: then those to come may be of the other kind.
  bool clear_label(std::int64_t item, on_error why = {}) {
    return give(&item, detail::labels_for(1), why);
  }
  bool clear_labels(on_error why = {}) {
    return give(nullptr, detail::labels_for(0), why);
  }
  // An item's label.
  [[nodiscard]] std::uint64_t label_u64(std::int64_t item, on_error why = {}) const {
    std::uint64_t label = 0;
    why.call(annoy_get_labels_u64, handle(), &item, std::size_t{1}, &label, nullptr);
    return label;
  }
  [[nodiscard]] std::string label(std::int64_t item, on_error why = {}) const {
    return in_room(64, why, [&](char* text, std::size_t room, std::size_t* size) {
      return annoy_get_labels(handle(), &item, 1, text, room, nullptr, size, why.native());
    });
  }
  // Those of many items, such as a search found. An item without one, and the id -1, give
  // `otherwise` or nothing.
  [[nodiscard]] std::vector<std::uint64_t> labels_u64(item_ids ids, std::uint64_t otherwise = 0,
                                                      on_error why = {}) const {
    std::vector<std::uint64_t> labels(ids.size());
    std::vector<std::uint8_t> found(ids.size());
    if (!why.call(annoy_get_labels_u64, handle(), ids.data(), ids.size(), labels.data(),
                  found.data()))
      return {};
    for (std::size_t i = 0; i < labels.size(); i++)
      if (!found[i]) labels[i] = otherwise;
    return labels;
  }
  [[nodiscard]] std::vector<std::optional<std::string>> labels(item_ids ids,
                                                               on_error why = {}) const {
    std::vector<std::int64_t> sizes(ids.size());
    const std::string texts =
        in_room(32 * ids.size(), why, [&](char* text, std::size_t room, std::size_t* size) {
          return annoy_get_labels(handle(), ids.data(), ids.size(), text, room, sizes.data(), size,
                                  why.native());
        });
    std::vector<std::optional<std::string>> found;
    if (why.why()) return found;
    std::size_t at = 0;
    for (const std::int64_t size : sizes) {
      found.emplace_back(std::nullopt);
      if (size < 0) continue;
      found.back() = texts.substr(at, static_cast<std::size_t>(size));
      at += static_cast<std::size_t>(size);
    }
    return found;
  }
  // The item with a label; -1 on failure.
  [[nodiscard]] std::int64_t find_label(std::uint64_t label, on_error why = {}) const {
    return why.get(std::int64_t{-1}, annoy_find_label_u64, handle(), label);
  }
  [[nodiscard]] std::int64_t find_label(std::string_view label, on_error why = {}) const {
    return why.get(std::int64_t{-1}, annoy_find_label, handle(), label.data(), label.size());
  }

  // Looking at the whole of it.

  // Reads all of a built or loaded index. The first fault is a failure.
  bool verify(const work& how = {}, on_error why = {}) const {
    std::size_t count;
    return detail::run(why, how, annoy_verify, handle(), nullptr, std::size_t{0}, &count);
  }
  // The same for who wants to see the faults, up to `most` of them: they are no failure then.
  [[nodiscard]] faults_found find_faults(std::size_t most = 100, const work& how = {},
                                         on_error why = {}) const {
    return detail::faults_of(most, why, how, annoy_verify, handle());
  }
  // The facts. Walks all trees.
  [[nodiscard]] annoy::info info(on_error why = {}) const {
    annoy_info raw{};
    raw.struct_size = sizeof raw;
    return why.call(annoy_get_info, handle(), &raw) ? annoy::info(raw) : annoy::info();
  }
  // The share of the true n nearest of an item that searches find, 0 to 1, over n_sample items
  // chosen by `seed`.
  [[nodiscard]] double estimate_recall(std::size_t n_sample, std::size_t n,
                                       std::int64_t search_k = automatic, std::uint64_t seed = 0,
                                       const work& how = {}, on_error why = {}) const {
    double recall = 0;
    detail::run(why, how, [&](const annoy_work* work, annoy_error* error) {
      return annoy_estimate_recall(handle(), n_sample, n, search_k, seed, work, &recall, error);
    });
    return recall;
  }

  // Searches: the n nearest to a vector, or to an item (itself among them), nearest first, equal
  // distances by id. Fewer than n found is no error.

  [[nodiscard]] annoy::neighbors search(vector_view query, std::size_t n,
                                        const search_options& among = {}, const work& how = {},
                                        on_error why = {}) const {
    return gather(n, among, how, why, detail::by(handle(), query));
  }
  [[nodiscard]] annoy::neighbors search_item(std::int64_t item, std::size_t n,
                                             const search_options& among = {}, const work& how = {},
                                             on_error why = {}) const {
    return gather(n, among, how, why, detail::by(handle(), item_ids(&item, 1)));
  }
  // Many at once, by several threads: the results are those of single searches. Nothing is found on
  // failure.
  [[nodiscard]] batch search(rows_view queries, std::size_t n, const search_options& among = {},
                             const work& how = {}, on_error why = {}) const {
    if (!whole(queries, "queries: found a last one that is not whole, expected whole rows", why))
      return {};
    return gather(queries.n_rows(), n, among, how, why, detail::by(handle(), queries));
  }
  [[nodiscard]] batch search_items(item_ids items, std::size_t n, const search_options& among = {},
                                   const work& how = {}, on_error why = {}) const {
    return gather(items.size(), n, among, how, why, detail::by(handle(), items));
  }
  // Into the caller's room for n ids, and n floats or doubles; {} for distances that are not
  // wanted. Places left over get -1 and NaN. Returns the number found, 0 on failure.
  std::size_t search_into(vector_view query, std::size_t n, span<std::int64_t> ids,
                          room distances = {}, const search_options& among = {},
                          const work& how = {}, on_error why = {}) const {
    return find_into(n, ids, distances, among, how, why, detail::by(handle(), query));
  }
  std::size_t search_item_into(std::int64_t item, std::size_t n, span<std::int64_t> ids,
                               room distances = {}, const search_options& among = {},
                               const work& how = {}, on_error why = {}) const {
    return find_into(n, ids, distances, among, how, why, detail::by(handle(), item_ids(&item, 1)));
  }

 private:
  annoy_index* handle() noexcept { return handle_.get(); }
  const annoy_index* handle() const noexcept { return handle_.get(); }
  static std::uint64_t number(load_flags flags) noexcept {
    return static_cast<std::uint64_t>(flags);
  }

  void make(const options& wanted, on_error& why) {
    const auto metric = static_cast<annoy_metric>(wanted.metric);
    const annoy_options raw{
        sizeof raw, metric, static_cast<annoy_scalar>(wanted.scalar), wanted.id_bits, 0, wanted.f};
    handle_.reset(why.get(static_cast<annoy_index*>(nullptr), annoy_new_with, &raw));
  }

  static bool refuse(on_error& why, annoy::status which, const char* what, std::size_t found,
                     const char* expected, std::size_t number) {
    char text[128];
    std::snprintf(text, sizeof text, "%s: found %zu, expected %s: %zu", what, found, expected,
                  number);
    return why.refuse(which, text);
  }
  // Zeros for an index that holds nothing.
  [[nodiscard]] annoy_options made_with() const noexcept {
    annoy_options options{};
    options.struct_size = sizeof options;
    annoy_get_options(handle(), &options, nullptr);
    return options;
  }
  static bool one_each(item_ids ids, const char* expected, std::size_t n, on_error& why) {
    return ids.size() == n || refuse(why, status::argument, "ids", ids.size(), expected, n);
  }
  static bool whole(const rows_view& rows, const char* otherwise, on_error& why) {
    return rows.whole() || why.refuse(status::dimension, otherwise);
  }
  bool add_rows(const std::int64_t* ids, const rows_view& rows, const work& how, on_error& why) {
    return whole(rows, "rows: found a last one that is not whole, expected whole rows", why) &&
           detail::run(why, how, annoy_add, handle(), ids, &rows.native());
  }
  bool insert_rows(const std::int64_t* ids, const rows_view& rows, const insert_options& wanted,
                   const work& how, on_error& why) {
    const annoy_labels labels = wanted.labels ? wanted.labels->native() : annoy_labels{};
    return whole(rows, "rows: found a last one that is not whole, expected whole rows", why) &&
           detail::run(why, how, annoy_insert, handle(), ids, &rows.native(),
                       wanted.labels ? &labels : nullptr,
                       static_cast<std::uint64_t>(wanted.replace ? ANNOY_INSERT_REPLACE : 0));
  }
  bool give(const std::int64_t* ids, const annoy_labels& labels, on_error& why) {
    return why.call(annoy_set_labels, handle(), ids, &labels);
  }
  bool read(std::int64_t item, const room& v, on_error& why) const {
    return why.call(annoy_get_vectors, handle(), &item, &v.native());
  }
  std::size_t write_to(void* buffer, std::size_t size, const work& how, on_error& why) const {
    std::size_t written = 0;
    return detail::run(why, how, annoy_save_to_buffer, handle(), buffer, size, &written) ? written
                                                                                         : 0;
  }
  // Without room the library says how many bytes there are.
  std::size_t size_of_file(on_error& why) const {
    std::size_t size = 0;
    const annoy_status status =
        annoy_save_to_buffer(handle(), nullptr, 0, &size, nullptr, why.native());
    return why.ok(status == ANNOY_ERR_TOO_SMALL ? ANNOY_OK : status) ? size : 0;
  }

  template <class Search>
  bool find(const annoy_results& results, const search_options& among, const work& how,
            on_error& why, Search search) const {
    detail::worker at_work(how);
    detail::searcher searching(among, n_items(), at_work);
    const annoy_status status =
        search(searching.native(), &results, at_work.native(), why.native());
    at_work.rethrow();
    searching.rethrow();
    return why.ok(status);
  }
  template <class Search>
  batch gather(std::size_t n_queries, std::size_t n, const search_options& among, const work& how,
               on_error& why, Search search) const {
    batch found;
    // No more than there are items can be found: a large n must not take memory for nothing.
    found.n = std::min(n, static_cast<std::size_t>(n_items()));
    found.ids.resize(n_queries * found.n);
    found.distances.resize(n_queries * found.n);
    found.found.resize(n_queries);
    const auto results =
        detail::results(found.n, found.ids.data(), found.distances, found.found.data());
    return find(results, among, how, why, search) ? std::move(found) : batch();
  }
  template <class Search>
  annoy::neighbors gather(std::size_t n, const search_options& among, const work& how,
                          on_error& why, Search search) const {
    const batch found = gather(1, n, among, how, why, search);
    return found.found.empty() ? annoy::neighbors() : found[0];
  }
  template <class Search>
  std::size_t find_into(std::size_t n, span<std::int64_t> ids, const room& distances,
                        const search_options& among, const work& how, on_error& why,
                        Search search) const {
    std::size_t found = 0;
    if (ids.size() < n) {
      refuse(why, status::too_small, "ids", ids.size(), "room for n", n);
    } else if (distances.size() < n && distances.size()) {
      refuse(why, status::too_small, "distances", distances.size(), "none, or room for n", n);
    } else {
      find(detail::results(n, ids.data(), distances, &found), among, how, why, search);
    }
    return found;
  }

  // What a call writes to room for so many bytes, or for as many as it says it takes.
  template <class Call>
  static std::string in_room(std::size_t room, on_error& why, Call call) {
    for (;;) {
      std::string text(room, '\0');
      const annoy_status status = call(text.data(), text.size(), &room);
      if (status == ANNOY_ERR_TOO_SMALL) continue;
      text.resize(why.ok(status) ? room : 0);
      return text;
    }
  }
  static void hear(void* log, std::int32_t level, const char* text) noexcept {
    // What it throws has nobody to go to.
    detail::keeper().run(
        [&] { (*static_cast<const log_function*>(log))(static_cast<log_level>(level), text); });
  }

  struct free {
    void operator()(annoy_index* handle) const noexcept { annoy_free(handle); }
  };
  // In this order: the log goes after the index that uses it.
  std::unique_ptr<log_function> log_;
  std::unique_ptr<annoy_index, free> handle_;
};

}  // namespace annoy
