// Views of memory that someone else holds: vectors on their way into the library, and room for what
// comes out. Nothing is copied.
#pragma once

#include <array>
#include <initializer_list>
#include <type_traits>
#include <utility>

#include "kinds.hpp"

namespace annoy {

// The bits of 16-bit floats: of IEEE 754 (binary16), and the upper half of a 32-bit one (bfloat16).
enum class f16 : std::uint16_t {};
enum class bf16 : std::uint16_t {};

namespace detail {

// The element type of annoy.h for a type of C++; 0 for a type that it does not have.
template <class T>
inline constexpr annoy_element element = std::is_same_v<T, float>           ? ANNOY_ELEMENT_F32
                                         : std::is_same_v<T, double>        ? ANNOY_ELEMENT_F64
                                         : std::is_same_v<T, std::uint64_t> ? ANNOY_ELEMENT_BITS
                                         : std::is_same_v<T, f16>           ? ANNOY_ELEMENT_F16
                                         : std::is_same_v<T, bf16>          ? ANNOY_ELEMENT_BF16
                                         : std::is_same_v<T, std::int8_t>   ? ANNOY_ELEMENT_I8
                                                                            : 0;
template <class T>
using if_element = std::enable_if_t<element<std::remove_const_t<T>> != 0>;
// Types that the library writes.
template <class T>
inline constexpr bool written = element<T> != 0 && element<T> <= ANNOY_ELEMENT_BITS;
template <class T>
using if_written = std::enable_if_t<written<T>>;

// What data() of a container with data() and size() points to.
template <class C, class = decltype(std::declval<C&>().size())>
using data_of = std::remove_pointer_t<decltype(std::declval<C&>().data())>;

template <class Row>
struct row {};
template <class T, std::size_t N>
struct row<std::array<T, N>> {
  using type = T;
};

// An annoy_vectors over elements of the caller's.
class vectors {
 public:
  [[nodiscard]] constexpr const annoy_vectors& native() const noexcept { return raw_; }
  [[nodiscard]] constexpr const void* data() const noexcept { return raw_.data; }

 protected:
  constexpr vectors() noexcept : raw_{sizeof raw_, nullptr, ANNOY_ELEMENT_F32, 0, 1, 0, 0} {}
  template <class T>
  constexpr vectors(const T* data, std::size_t n, std::size_t len, std::size_t stride = 0) noexcept
      : raw_{sizeof raw_, const_cast<T*>(data), element<T>, 0, n, len, stride} {}
  annoy_vectors raw_;
};

}  // namespace detail

// Elements of one type, as std::span, which C++17 lacks. Made from a pointer and a length, a C
// array, or anything with data() and size() over such elements: std::vector, std::array, std::span.
template <class T>
class span {
  template <class U>
  using fits = std::enable_if_t<std::is_convertible_v<U (*)[], T (*)[]>>;

 public:
  constexpr span() noexcept = default;
  constexpr span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <std::size_t N>
  constexpr span(T (&elements)[N]) noexcept : data_(elements), size_(N) {}
  template <class C, class = fits<detail::data_of<C>>>
  constexpr span(C& container) noexcept : data_(container.data()), size_(container.size()) {}
  template <class C, class = fits<detail::data_of<const C>>>
  constexpr span(const C& container) noexcept : data_(container.data()), size_(container.size()) {}

  [[nodiscard]] constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] constexpr T& operator[](std::size_t i) const noexcept { return data_[i]; }
  [[nodiscard]] constexpr T* begin() const noexcept { return data_; }
  [[nodiscard]] constexpr T* end() const noexcept { return data_ + size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// Words of 64 bits; ids.
using words = span<const std::uint64_t>;
using item_ids = span<const std::int64_t>;

// One vector: floats, doubles, words of bits, f16, bf16 or std::int8_t, made as a span is; or
// floats in braces.
class vector_view : public detail::vectors {
 public:
  constexpr vector_view() noexcept = default;
  template <class T, class = detail::if_element<T>>
  constexpr vector_view(const T* data, std::size_t size) noexcept : vectors(data, 1, size) {}
  constexpr vector_view(std::initializer_list<float> list) noexcept
      : vector_view(list.begin(), list.size()) {}
  template <class T, std::size_t N, class = detail::if_element<T>>
  constexpr vector_view(const T (&elements)[N]) noexcept : vector_view(elements, N) {}
  template <class C, class = detail::if_element<detail::data_of<const C>>>
  constexpr vector_view(const C& container) noexcept
      : vector_view(container.data(), container.size()) {}
  [[nodiscard]] constexpr std::size_t size() const noexcept { return raw_.len; }
};

// Vectors of the same length. Made from
// - {pointer, n_rows, n_columns} or {pointer, n_rows, n_columns, stride}: rows that are `stride`
//   bytes apart (0: one right behind the other), as inside an array of structs;
// - {vector, n_columns}: one row right behind the other. A call fails if the last is not whole;
// - a container with data() and size() of std::array; a C array of C arrays.
class rows_view : public detail::vectors {
  template <class C>
  using row_in = std::remove_cv_t<detail::data_of<const C>>;

 public:
  template <class T, class = detail::if_element<T>>
  constexpr rows_view(const T* data, std::size_t n_rows, std::size_t n_columns,
                      std::size_t stride = 0) noexcept
      : vectors(data, n_rows, n_columns, stride) {}
  constexpr rows_view(vector_view elements, std::size_t n_columns) noexcept : vectors(elements) {
    raw_.n = n_columns ? elements.size() / n_columns : 0;
    raw_.len = n_columns;
    whole_ = raw_.n * n_columns == elements.size();
  }
  template <class T, std::size_t R, std::size_t C, class = detail::if_element<T>>
  constexpr rows_view(const T (&rows)[R][C]) noexcept : rows_view(rows[0], R, C) {}
  template <class C, class T = typename detail::row<row_in<C>>::type, class = detail::if_element<T>>
  constexpr rows_view(const C& rows) noexcept
      : rows_view(rows.size() ? rows.data()->data() : static_cast<const T*>(nullptr), rows.size(),
                  std::tuple_size<row_in<C>>::value, sizeof(row_in<C>)) {}
  [[nodiscard]] constexpr std::size_t n_rows() const noexcept { return raw_.n; }
  [[nodiscard]] constexpr std::size_t n_columns() const noexcept { return raw_.len; }
  [[nodiscard]] constexpr std::size_t stride() const noexcept { return raw_.stride; }
  [[nodiscard]] constexpr bool whole() const noexcept { return whole_; }

 private:
  bool whole_ = true;
};

// Room for numbers: floats, doubles or words. Made as a span is; {} for none.
class room : public detail::vectors {
 public:
  constexpr room() noexcept = default;
  template <class T, class = detail::if_written<T>>
  constexpr room(T* data, std::size_t size) noexcept : vectors(data, 1, size) {}
  template <class T, class = detail::if_written<T>>
  constexpr room(span<T> numbers) noexcept : room(numbers.data(), numbers.size()) {}
  template <class T, std::size_t N, class = detail::if_written<T>>
  constexpr room(T (&numbers)[N]) noexcept : room(numbers, N) {}
  template <class C, class = detail::if_written<detail::data_of<C>>>
  constexpr room(C& container) noexcept : room(container.data(), container.size()) {}
  [[nodiscard]] constexpr std::size_t size() const noexcept { return raw_.len; }
};

// Bytes. Made from a pointer and a length, or anything with data() and size() over std::byte, char
// or unsigned char: std::vector, std::string, std::string_view, std::span.
class bytes_view {
  template <class T>
  static constexpr bool byte =
      std::is_same_v<T, std::byte> || std::is_same_v<T, char> || std::is_same_v<T, unsigned char>;

 public:
  constexpr bytes_view() noexcept = default;
  constexpr bytes_view(const void* data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <class C, class = std::enable_if_t<byte<std::remove_const_t<detail::data_of<const C>>>>>
  constexpr bytes_view(const C& container) noexcept
      : data_(container.data()), size_(container.size()) {}

  [[nodiscard]] constexpr const void* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

 private:
  const void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace annoy
