// Files without an index, and the library itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "info.hpp"
#include "path.hpp"

namespace annoy {

// index::verify and index::find_faults for a file that describes itself (annoy_verify_file).
inline bool verify_file(const std::filesystem::path& file, const work& how = {},
                        on_error why = {}) {
  std::size_t count;
  return detail::with_path(file, why, [&](const char* name) {
    return detail::run(why, how, annoy_verify_file, name, nullptr, std::size_t{0}, &count);
  });
}
[[nodiscard]] inline faults_found find_faults_in(const std::filesystem::path& file,
                                                 std::size_t most = 100, const work& how = {},
                                                 on_error why = {}) {
  faults_found found;
  detail::with_path(file, why, [&](const char* name) {
    found = detail::faults_of(most, why, how, annoy_verify_file, name);
    return true;
  });
  return found;
}

// A shard that a directory is to have (annoy_shard).
struct shard {
  std::string file;                              // its name there, or the text of a manifest
  std::optional<std::string> partition = {};     // what its items have in common
  std::vector<std::int64_t> removed = {};        // ids within it that are removed from now on
};

// Makes these the shards of a directory, in this order, all or nothing: the generation of the new
// manifest, 0 on failure. `expected` is the generation that is there, 0 for none; manifests before
// the last `keep` are taken away, 0 keeps all (annoy_commit_shards).
inline std::uint64_t commit_shards(const std::filesystem::path& directory,
                                   const std::vector<shard>& shards, std::uint64_t expected = 0,
                                   std::uint64_t keep = 0, on_error why = {}) {
  std::vector<annoy_shard> raw;
  for (const shard& one : shards) {
    const char* partition = one.partition ? one.partition->c_str() : nullptr;
    raw.push_back({one.file.c_str(), partition, one.removed.data(), one.removed.size()});
  }
  std::uint64_t generation = 0;
  detail::with_path(directory, why, [&](const char* name) {
    return why.call(annoy_commit_shards, name, raw.data(), raw.size(), expected, keep,
                    &generation);
  });
  return generation;
}

// What a file may be: one kind if it describes itself, else every kind whose structure it has; of
// plain Annoy files there are often several (annoy_probe).
[[nodiscard]] inline std::vector<kind> probe(const std::filesystem::path& file, on_error why = {}) {
  std::vector<annoy_kind> raw(16);
  std::size_t count = 0;
  const auto look = [&](const char* name) {
    return why.call(annoy_probe, name, raw.data(), raw.size(), &count);
  };
  std::vector<kind> kinds;
  if (!detail::with_path(file, why, look)) return kinds;
  if (count > raw.size()) {
    raw.resize(count);
    if (!detail::with_path(file, why, look)) return kinds;
  }
  raw.resize(std::min(count, raw.size()));
  for (const annoy_kind& one : raw) {
    const options as{static_cast<metric>(one.metric), one.f, static_cast<scalar>(one.scalar),
                     one.id_bits};
    kinds.push_back({as, one.n_items, one.n_trees, one.layout});
  }
  return kinds;
}

[[nodiscard]] inline std::string_view version() noexcept { return annoy_version(); }
// The library's, to be compared with the headers'.
[[nodiscard]] inline std::uint32_t abi_version() noexcept { return annoy_abi_version(); }
inline constexpr std::uint32_t header_abi_version = ANNOY_ABI_VERSION;
// Major, minor and patch of the headers; version() tells the library's.
inline constexpr std::uint32_t header_version[] = {ANNOY_VERSION_MAJOR, ANNOY_VERSION_MINOR,
                                                   ANNOY_VERSION_PATCH};

namespace detail {
inline std::string_view text_or_none(const char* text) noexcept {
  return text ? text : std::string_view();
}
}  // namespace detail

// The distance kernels that indexes use; empty when ANNOY_RS_KERNEL names none of this machine's.
[[nodiscard]] inline std::string_view kernel_name() noexcept {
  return detail::text_or_none(annoy_kernel_name());
}
// Annoy's name of a metric, such as "angular"; empty for a number that is none.
[[nodiscard]] inline std::string_view metric_name(metric which) noexcept {
  return detail::text_or_none(annoy_metric_name(static_cast<annoy_metric>(which)));
}
// The metric of a name; metric{} on failure.
[[nodiscard]] inline metric metric_from_name(std::string_view name, on_error why = {}) {
  if (name.find('\0') == std::string_view::npos)
    return static_cast<metric>(
        why.get(annoy_metric{0}, annoy_metric_from_name, std::string(name).c_str()));
  why.refuse(status::argument, "name: found a NUL character in it, expected the name of a metric");
  return {};
}

}  // namespace annoy
