#include <annoy.hpp>
#include <cstdio>
#include <string>
#include <vector>

int main() {
  const std::vector<float> rows = {1, 0, 0, 0, 1, 0, 1, 1, 0};
  annoy::index index(annoy::metric::angular, 3);
  index.add({rows, 3});
  index.build(10);
  index.build_graph();
  index.save("three.ann");
  const char *const names[] = {"east", "north", "north-east"};
  const annoy::index opened = annoy::index::open("three.ann");
  const auto found = opened.search({1, 0.1f, 0}, 2);
  std::printf("%s %s %.3f\n", names[found[0].id], names[found[1].id], found[0].distance);
}
