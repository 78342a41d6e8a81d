// Facts about an index, and faults in it.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "work.hpp"

namespace annoy {

// Something wrong in an index. node is -1 for a fault of a section or of the file as a whole.
struct fault {
  std::int64_t node;
  std::string text;
};

// The first faults that were found, and the number of all.
struct faults_found {
  std::vector<fault> first;
  std::size_t count = 0;
};

// The fields of annoy_info, with those that may be unknown as optionals.
struct info : annoy_info {
  std::optional<std::uint64_t> seed;
  std::optional<double> graph_recall, scan_recall;
  bool is_loaded = false, is_described = false;

  info() noexcept : annoy_info() {}
  explicit info(const annoy_info& raw) noexcept
      : annoy_info(raw), is_loaded(raw.is_loaded != 0), is_described(raw.is_described != 0) {
    if (raw.has_seed) seed = raw.seed;
    if (raw.graph_recall >= 0) graph_recall = raw.graph_recall;
    if (raw.scan_recall >= 0) scan_recall = raw.scan_recall;
  }
};

namespace detail {

// A call of annoy.h that looks for faults, with room for `most` of them. Faults are the answer, and
// no failure.
template <class Call, class... Arguments>
faults_found faults_of(std::size_t most, on_error& why, const work& how, Call call,
                       const Arguments&... arguments) {
  std::vector<annoy_fault> raw(most);
  faults_found found;
  const auto look = [&](const annoy_work* work, annoy_error* error) {
    const annoy_status status = call(arguments..., raw.data(), most, &found.count, work, error);
    return status == ANNOY_ERR_CORRUPT && found.count ? ANNOY_OK : status;
  };
  if (!run(why, how, look)) return {};
  raw.resize(std::min(most, found.count));
  for (const annoy_fault& one : raw) found.first.push_back({one.node, one.text});
  return found;
}

}  // namespace detail

}  // namespace annoy
