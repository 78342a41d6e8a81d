#include <annoy.hpp>
#include <cstdio>
#include <vector>

int main() {
  const std::vector<float> rows = {1, 0, 0, 0, 1, 0, 1, 1, 0};
  annoy::index index(annoy::metric::angular, 3);
  index.add({rows, 3});
  index.build(10);
  index.build_graph();
  index.save("three.ann");
  const annoy::index opened = annoy::index::open("three.ann");
  const auto found = opened.search({1, 0.1f, 0}, 2);
  std::printf("%d %d %.3f\n", static_cast<int>(found[0].id), static_cast<int>(found[1].id), found[0].distance);
}
