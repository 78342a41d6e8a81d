// Labels on their way into the library.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "views.hpp"

namespace annoy {

namespace detail {

// Labels for so many items, of a kind; of no kind they take away those that there are.
[[nodiscard]] inline annoy_labels labels_for(std::size_t n,
                                             annoy_label_kind kind = ANNOY_LABELS_NONE) noexcept {
  annoy_labels labels{};
  labels.struct_size = sizeof labels;
  labels.kind = kind;
  labels.n = n;
  return labels;
}

}  // namespace detail

// Many labels: a container with data() and size(), or a C array, of std::uint64_t, which it views,
// or of strings, which it copies.
class label_list {
  template <class E>
  static constexpr bool number = std::is_same_v<E, std::uint64_t>;
  template <class E>
  using fits = std::enable_if_t<number<std::remove_const_t<E>> ||
                                std::is_convertible_v<E, std::string_view>>;

 public:
  template <class C, class E = detail::data_of<const C>, class = fits<E>>
  label_list(const C& labels) : size_(labels.size()) {
    if constexpr (number<std::remove_const_t<E>>) {
      numbers_ = labels.data();
    } else {
      offsets_.push_back(0);
      for (std::string_view label : labels) {
        bytes_.append(label);
        offsets_.push_back(bytes_.size());
      }
    }
  }
  template <class E, std::size_t N, class = fits<E>>
  label_list(const E (&labels)[N]) : label_list(span<const E>(labels)) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // For calls of annoy.h, as long as this object is there.
  [[nodiscard]] annoy_labels native() const noexcept {
    annoy_labels labels =
        detail::labels_for(size_, offsets_.empty() ? ANNOY_LABELS_U64 : ANNOY_LABELS_UTF8);
    labels.numbers = numbers_;
    labels.bytes = bytes_.data();
    labels.offsets = offsets_.data();
    return labels;
  }

 private:
  std::size_t size_;
  const std::uint64_t* numbers_ = nullptr;
  std::string bytes_;
  std::vector<std::size_t> offsets_;
};

// How items are inserted into a built index.
struct insert_options {
  std::optional<label_list> labels = {};  // one for each row
  bool replace = false;  // ids may be those of items, also of removed ones: they get other vectors
};

}  // namespace annoy
