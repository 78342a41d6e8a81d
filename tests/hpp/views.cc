// span, vector_view, rows_view and room: what they are made from, and what they are not.
#include "check.hpp"

#include <array>
#include <deque>
#include <list>
#if __cplusplus >= 202002L
#include <span>
#endif

namespace {

using floats = annoy::span<const float>;
using places = annoy::span<float>;

template <class To, class... From>
constexpr bool from = std::is_constructible_v<To, From...>;
template <class To, class From>
constexpr bool converts = std::is_convertible_v<From, To>;

// To read from: anything, temporary or not.
static_assert(converts<floats, std::vector<float>&> && converts<floats, const std::vector<float>&>);
static_assert(converts<floats, std::vector<float>>);
static_assert(converts<floats, std::array<float, 3>&> && converts<floats, const std::array<float, 3>&>);
static_assert(converts<floats, std::array<const float, 3>&> && converts<floats, std::array<float, 0>&>);
static_assert(converts<floats, float (&)[3]> && converts<floats, const float (&)[3]>);
static_assert(from<floats, const float*, std::size_t> && from<floats, float*, std::size_t>);
static_assert(converts<floats, places> && converts<floats, const places&> && !converts<places, floats>);
// To write to: no temporaries that own, nothing const.
static_assert(converts<places, std::vector<float>&> && converts<places, std::array<float, 3>&>);
static_assert(converts<places, float (&)[3]> && from<places, float*, std::size_t>);
static_assert(!converts<places, const std::vector<float>&> && !converts<places, std::vector<float>>);
static_assert(!converts<places, const std::array<float, 3>&> && !converts<places, const float (&)[3]>);
static_assert(!from<places, const float*, std::size_t>);
// Nothing that would have to be converted, and nothing that is not one behind the other.
static_assert(!converts<floats, std::vector<double>&> && !converts<floats, std::vector<int>&>);
static_assert(!converts<floats, double (&)[3]> && !converts<floats, std::string&>);
static_assert(!converts<floats, std::deque<float>&> && !converts<floats, std::list<float>&>);
static_assert(!converts<floats, std::vector<bool>&> && !converts<floats, float*> && !converts<floats, int>);
static_assert(!converts<annoy::span<const std::int64_t>, std::vector<std::int32_t>&>);
static_assert(!converts<annoy::words, std::vector<std::int64_t>&>);
struct base {
  float x;
};
struct derived : base {
  float y;
};
static_assert(!converts<annoy::span<const base>, std::vector<derived>&>);
static_assert(std::is_trivially_copyable_v<floats> && std::is_trivially_copyable_v<annoy::rows_view>);
#if __cplusplus >= 202002L
static_assert(converts<floats, std::span<float>> && converts<floats, std::span<const float>>);
static_assert(converts<floats, std::span<const float, 3>> && converts<places, std::span<float>>);
static_assert(!converts<places, std::span<const float>> && !converts<floats, std::span<double>>);
#endif


// Of each element type of annoy.h, and no other.
using one = annoy::vector_view;
static_assert(converts<one, std::vector<float>&> && converts<one, const std::vector<double>> && converts<one, float (&)[3]>);
static_assert(converts<one, std::vector<std::uint64_t>&> && converts<one, std::array<std::int8_t, 3>&>);
static_assert(converts<one, std::vector<annoy::f16>&> && converts<one, const annoy::bf16 (&)[2]>);
static_assert(converts<one, floats> && converts<one, places> && from<one, const double*, std::size_t>);
static_assert(!converts<one, std::vector<int>&> && !converts<one, std::vector<std::uint16_t>&> && !converts<one, float*>);
static_assert(!converts<one, std::string&> && !converts<one, std::vector<bool>&> && !converts<one, const float (&)[2][3]>);
// Room is not const, and outlives the call.
using annoy::room;
static_assert(converts<room, std::vector<float>&> && converts<room, std::array<double, 2>&> && converts<room, places>);
static_assert(converts<room, std::uint64_t (&)[2]> && from<room, double*, std::size_t>);
static_assert(!converts<room, std::vector<float>> && !converts<room, const std::vector<float>&> && !converts<room, floats>);
static_assert(!converts<room, std::vector<std::int8_t>&> && !converts<room, std::vector<annoy::f16>&>);

static_assert(converts<annoy::rows_view, std::vector<std::array<float, 3>>&>);
static_assert(converts<annoy::rows_view, const std::array<std::array<float, 3>, 2>&>);
static_assert(converts<annoy::rows_view, const float (&)[2][3]>);
static_assert(converts<annoy::rows_view, float (&)[2][3]>);
static_assert(converts<annoy::rows_view, std::vector<std::array<double, 3>>&>);
static_assert(!converts<annoy::rows_view, std::vector<std::array<int, 3>>&>);
static_assert(!converts<annoy::rows_view, std::vector<std::vector<float>>&>);
// 0 is no pointer, so that braces with three numbers are a vector.
static_assert(!from<annoy::rows_view, int, int, int>);
static_assert(!converts<annoy::rows_view, std::vector<float>&>);
static_assert(!from<annoy::rows_view, const float*, std::size_t>);

bool same(floats view, const float* data, std::size_t size) { return view.data() == data && view.size() == size; }

}  // namespace

TEST(spans_see_what_they_are_made_from) {
  std::vector<float> vector{1, 2, 3};
  std::array<float, 2> array{1, 2};
  float c_array[4] = {1, 2, 3, 4};
  CHECK(same(vector, vector.data(), 3));
  CHECK(same(std::as_const(vector), vector.data(), 3));
  CHECK(same(array, array.data(), 2));
  CHECK(same(c_array, c_array, 4));
  CHECK(same({c_array, 3}, c_array, 3));
  CHECK(same(places(vector), vector.data(), 3));
  CHECK(same({}, nullptr, 0));
  CHECK(same({nullptr, 0}, nullptr, 0));
#if __cplusplus >= 202002L
  CHECK(same(std::span(vector), vector.data(), 3));
  CHECK(same(std::span(vector).subspan(1), vector.data() + 1, 2));
  CHECK(same(std::span<const float, 2>(array), array.data(), 2));
#endif
}

TEST(spans_are_ranges) {
  float numbers[3] = {1, 2, 3};
  places view = numbers;
  for (float& number : view) number *= 2;
  CHECK(view[0] == 2.0f && numbers[2] == 6.0f && view.end() - view.begin() == 3);
  CHECK(!view.empty() && places().empty() && places().begin() == places().end());
}

TEST(rows) {
  const float c_array[2][3] = {{1, 2, 3}, {4, 5, 6}};
  const annoy::rows_view from_c(c_array);
  CHECK(from_c.data() == &c_array[0][0] && from_c.n_rows() == 2 && from_c.n_columns() == 3 && from_c.stride() == 0);

  const std::vector<std::array<float, 3>> arrays(5);
  const annoy::rows_view from_arrays(arrays);
  CHECK(from_arrays.data() == arrays[0].data() && from_arrays.n_rows() == 5 && from_arrays.n_columns() == 3);
  CHECK(from_arrays.stride() == 3 * sizeof(float) && from_arrays.whole());
  const annoy::rows_view from_none{std::vector<std::array<float, 3>>()};
  CHECK(from_none.data() == nullptr && from_none.n_rows() == 0 && from_none.n_columns() == 3);

  const std::vector<float> flat(6);
  const annoy::rows_view from_flat(flat, 2);
  CHECK(from_flat.data() == flat.data() && from_flat.n_rows() == 3 && from_flat.n_columns() == 2 && from_flat.whole());
  CHECK(!annoy::rows_view(flat, 4).whole() && !annoy::rows_view(flat, 7).whole());
  CHECK(!annoy::rows_view(flat, 0).whole() && annoy::rows_view(floats(), 0).whole());

  const annoy::rows_view strided(flat.data(), 2, 2, 16);
  CHECK(strided.n_rows() == 2 && strided.n_columns() == 2 && strided.stride() == 16 && strided.whole());
}
