// The header from C++17: beside a C++ library of Annoy's own names, in namespaces, twice, and with
// the language's own ways of owning and calling.
namespace Annoy {
// What Annoy's annoylib.h declares; users write `using namespace Annoy`.
template <typename S, typename T, typename Distance, typename Random, typename Policy>
class AnnoyIndex {};
template <typename S, typename T, typename R>
class AnnoyIndexInterface {};
struct Angular {};
struct DotProduct {};
struct Hamming {};
struct Euclidean {};
struct Manhattan {};
struct Kiss64Random {};
}  // namespace Annoy
using namespace Annoy;

#include <annoy.h>
#include <annoy.h>

#include "check.h"

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std;  // <cmath>, <functional> and the rest clash with nothing either

// Opaque: C++ cannot make, copy or look into one. Plain data: the structs may be memset and copied.
template <typename T, typename = void>
struct is_complete : false_type {};
template <typename T>
struct is_complete<T, void_t<decltype(sizeof(T))>> : true_type {};
static_assert(!is_complete<annoy_index>::value);
static_assert(is_standard_layout_v<annoy_error> && is_trivially_copyable_v<annoy_error>);
static_assert(is_standard_layout_v<annoy_options> && is_trivially_copyable_v<annoy_options>);
static_assert(is_same_v<annoy_status, int32_t> && is_same_v<annoy_metric, int32_t>);
// const decides what may run at the same time, so the compiler has to know it.
static_assert(is_same_v<decltype(&annoy_save), annoy_status (*)(const annoy_index *, const char *, annoy_error *)>);
static_assert(is_same_v<decltype(&annoy_build), annoy_status (*)(annoy_index *, int32_t, int32_t, annoy_error *)>);
static_assert(!is_invocable_v<decltype(&annoy_build), const annoy_index *, int, int, annoy_error *>);

namespace {

struct Free {
    void operator()(annoy_index *index) const { annoy_free(index); }
};
using Index = unique_ptr<annoy_index, Free>;

Index make(annoy_metric metric, size_t f) {
    annoy_index *index = nullptr;
    OK(annoy_new(metric, f, &index, &error));
    return Index(index);
}

}  // namespace

TEST(owning) {
    Index index = make(ANNOY_EUCLIDEAN, 2);
    const vector<array<float, 2>> points{{0, 0}, {1, 0}, {0, 3}};
    OK(add_rows(index.get(), nullptr, ANNOY_ELEMENT_F32, points.data()->data(), points.size(), 2, sizeof points[0],
                nullptr, &error));
    OK(annoy_build(index.get(), 10, -1, &error));
    Index moved = std::move(index);
    vector<int64_t> ids(points.size());
    vector<float> distances(points.size());
    size_t n = 0;
    OK(annoy_get_nns_by_item(moved.get(), 0, ids.size(), -1, ids.data(), distances.data(), &n, &error));
    CHECK(n == 3 && (ids == vector<int64_t>{0, 1, 2}) && (distances == vector<float>{0, 1, 3}));
}

// Empty containers: data() may be nullptr with size() 0.
TEST(empty_containers) {
    Index index = make(ANNOY_ANGULAR, 2);
    const vector<float> rows;
    const vector<int64_t> ids;
    OK(add_rows(index.get(), ids.data(), ANNOY_ELEMENT_F32, rows.data(), ids.size(), 2, 0, nullptr, &error));
    FAILS(ANNOY_ERR_DIMENSION, "0*expected 2", annoy_add_item(index.get(), 0, rows.data(), rows.size(), &error));
}

// A lambda is a C callback.
TEST(lambdas) {
    Index index = make(ANNOY_DOT, 1);
    string heard;
    OK(annoy_set_log(
        index.get(), ANNOY_LOG_INFO,
        [](void *user, int32_t, const char *text) { static_cast<string *>(user)->append(text); },
        &heard, &error));
    const float one = 1;
    OK(annoy_add_item(index.get(), 0, &one, 1, &error));
    OK(annoy_build(index.get(), 1, 1, &error));
    CHECK(!heard.empty());
}

TEST(std_threads) {
    Index index = make(ANNOY_MANHATTAN, 1);
    for (int64_t i = 0; i < 200; i++) {
        const float x = static_cast<float>(i);
        OK(annoy_add_item(index.get(), i, &x, 1, &error));
    }
    OK(annoy_build(index.get(), 5, 2, &error));
    array<int, 4> right{};
    vector<thread> threads;
    for (auto &count : right)
        threads.emplace_back([&count, &index] {
            for (int64_t i = 0; i < 200; i++) {
                int64_t id = -1;
                size_t n = 0;
                annoy_status status = annoy_get_nns_by_item(index.get(), i, 1, 1000, &id, nullptr, &n, nullptr);
                count += status == ANNOY_OK && n == 1 && id == i;
            }
        });
    for (auto &thread : threads) thread.join();
    CHECK((right == array<int, 4>{200, 200, 200, 200}));
}

int main() {
    RUN(owning);
    RUN(empty_containers);
    RUN(lambdas);
    RUN(std_threads);
    return report();
}
