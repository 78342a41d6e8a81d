// New code, through annoy_rs::cpp.
#include <annoy.hpp>

int main() {
    annoy::index index(annoy::metric::euclidean, 2);
    index.add(0, {0.0f, 0.0f});
    index.add(1, {1.0f, 0.0f});
    index.add(2, {0.0f, 3.0f});
    index.build(5);
    const auto nearest = index.search({0.9f, 0.1f}, 2);
    return nearest.size() == 2 && nearest[0].id == 1 ? 0 : 1;
}
