// A C++17 program as a user of an installed annoy_rs would write it. Exits 0 when the library
// answers rightly.
#include <annoy.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Free {
    void operator()(annoy_index *index) const { annoy_free(index); }
};
using Index = std::unique_ptr<annoy_index, Free>;

void check(annoy_status status, const annoy_error &error) {
    if (status != ANNOY_OK) throw std::runtime_error(std::string(annoy_status_name(status)) + ": " + error.message);
}

}  // namespace

int main() try {
    annoy_error error{};
    if (annoy_version() != std::string(EXPECTED_VERSION)) throw std::runtime_error(annoy_version());
    annoy_index *handle = nullptr;
    check(annoy_new(ANNOY_ANGULAR, 3, &handle, &error), error);
    const Index index(handle);
    std::vector<float> rows{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0};
    annoy_vectors vectors{};
    vectors.struct_size = sizeof vectors;
    vectors.data = rows.data();
    vectors.n = 4;
    vectors.len = 3;
    check(annoy_add(index.get(), nullptr, &vectors, nullptr, &error), error);
    check(annoy_build(index.get(), 10, -1, &error), error);
    std::vector<std::int64_t> ids(2);
    std::size_t n_found = 0;
    const std::vector<float> query{0.9f, 1.0f, 0.0f};
    check(annoy_get_nns_by_vector(index.get(), query.data(), 3, ids.size(), -1, ids.data(), nullptr, &n_found, &error),
          error);
    if (n_found != 2 || ids != std::vector<std::int64_t>{3, 1}) throw std::runtime_error("wrong neighbours");
    // Every error reaches C++ as a status, never as an exception or an abort.
    if (annoy_build(index.get(), 10, -1, &error) != ANNOY_ERR_STATE) throw std::runtime_error("built twice");
    return 0;
} catch (const std::exception &problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return 1;
}
