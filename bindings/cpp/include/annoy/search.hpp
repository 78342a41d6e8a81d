// What a search is told, and what it finds.
#pragma once

#include <vector>

#include "views.hpp"
#include "work.hpp"

namespace annoy {

// What a search goes through.
enum class method : annoy_method {
  fastest = ANNOY_METHOD_DEFAULT,  // the graph where there is one, else the scan, or the trees
  forest = ANNOY_METHOD_FOREST,    // the trees, as in Annoy
  graph = ANNOY_METHOD_GRAPH,      // status::state where there is none
  exact = ANNOY_METHOD_EXACT,      // all items, one by one
  scan = ANNOY_METHOD_SCAN,        // the lists of a scan; status::state where there are none
};

// So many items are all looked at by a search that is told neither method nor search_k, where there
// are no trees.
inline constexpr std::int64_t exact_items = ANNOY_EXACT_ITEMS;

// What a search is to find, and among which items: those that pass everything that is set. Items
// that do not pass do not count for search_k. What the views show has to stay until the search is
// done. {1000} stands for a search_k of 1,000.
struct search_options {
  std::int64_t search_k = automatic;         // candidates looked at; see annoy_get_nns_by_item
  std::optional<double> max_distance = {};   // none farther; for dot, no smaller inner product
  item_ids exclude = {};                     // ids that are not wanted
  bool exclude_self = false;                 // searches from an item leave that item out
  words bitmap = {};                         // a bit for each item, the first one lowest; or empty
  bool deny = false;                         // the ones of the bitmap are not wanted
  std::function<bool(std::int64_t)> filter = {};  // asked last; keeps work on the calling thread
  annoy::method method = annoy::method::fastest;
  double recall = 0;  // the share to be found, in place of search_k; needs index::tune. 0: none
  std::vector<std::size_t> shards = {};  // places of those that are searched; empty for all
};

struct neighbor {
  std::int64_t id;
  double distance;
  friend bool operator==(const neighbor& a, const neighbor& b) noexcept {
    return a.id == b.id && !(a.distance < b.distance) && !(b.distance < a.distance);
  }
  friend bool operator!=(const neighbor& a, const neighbor& b) noexcept { return !(a == b); }
};
using neighbors = std::vector<neighbor>;

// The results of many queries, in rows of n. Places left over hold -1 and NaN.
struct batch {
  std::size_t n = 0;
  std::vector<std::int64_t> ids;
  std::vector<double> distances;
  std::vector<std::size_t> found;  // how many in each row
  // Those of one query.
  [[nodiscard]] neighbors operator[](std::size_t query) const {
    neighbors row(found[query]);
    for (std::size_t i = 0; i < row.size(); i++)
      row[i] = {ids[query * n + i], distances[query * n + i]};
    return row;
  }
};

namespace detail {

inline annoy_results results(std::size_t n, std::int64_t* ids, const room& distances,
                             std::size_t* counts) noexcept {
  void* const to = distances.size() ? distances.native().data : nullptr;
  return {sizeof(annoy_results), ids, to, distances.native().element, 0, counts, n,
          nullptr, nullptr};
}

// A search from these queries, as a call of annoy.h without them.
inline auto by(const annoy_index* index, const vectors& queries) {
  return [index, &queries](auto... told) {
    return annoy_search(index, &queries.native(), told...);
  };
}
inline auto by(const annoy_index* index, const item_ids& items) {
  return [index, items](auto... told) {
    return annoy_search_items(index, items.data(), items.size(), told...);
  };
}

// An annoy_search_options, for one call.
class searcher {
 public:
  searcher(const search_options& given, std::int64_t n_items, const worker& at_work)
      : given_(given), at_work_(at_work) {
    raw_.struct_size = sizeof raw_;
    if (given.exclude_self) raw_.flags |= ANNOY_SEARCH_EXCLUDE_SELF;
    if (given.max_distance) raw_.flags |= ANNOY_SEARCH_MAX_DISTANCE;
    if (given.deny) raw_.flags |= ANNOY_SEARCH_DENY;
    raw_.search_k = given.search_k;
    raw_.max_distance = given.max_distance.value_or(0);
    raw_.bitmap = given.bitmap.empty() ? nullptr : given.bitmap.data();
    // As many bits as there are items, where the words are as many as these take.
    const auto bits = static_cast<std::size_t>(n_items);
    const bool fits = given.bitmap.size() == bits / 64 + (bits % 64 != 0);
    raw_.bitmap_bits = fits ? bits : given.bitmap.size() * 64;
    raw_.exclude = given.exclude.data();
    raw_.n_exclude = given.exclude.size();
    raw_.method = static_cast<annoy_method>(given.method);
    raw_.recall = given.recall;
    raw_.shards = given.shards.data();
    raw_.n_shards = given.shards.size();
    if (given.filter) {
      raw_.filter = &ask;
      raw_.filter_user = this;
    }
  }
  searcher(const searcher&) = delete;
  searcher& operator=(const searcher&) = delete;
  [[nodiscard]] const annoy_search_options* native() const noexcept { return &raw_; }
  void rethrow() { kept_.rethrow(); }

 private:
  static std::int32_t ask(void* user, std::int64_t item) noexcept {
    searcher& self = *static_cast<searcher*>(user);
    bool accepted = false;
    if (self.kept_.run([&] { accepted = self.given_.filter(item); })) return accepted;
    self.at_work_.give_up();
    return 0;
  }
  const search_options& given_;
  const worker& at_work_;
  annoy_search_options raw_{};
  keeper kept_;
};

}  // namespace detail

}  // namespace annoy
