// What must not compile, one CASE at a time; 0 must. run.sh knows what the compiler
// has to say to each.
#include <annoy.hpp>

void use(annoy::index& index, const annoy::index& built, annoy::failure& why) {
  static_cast<void>(index), static_cast<void>(built), static_cast<void>(why);
#if CASE == 0
  index.add(0, {1, 2, 3});
  index.add(1, {1, 2, 3}, why);
  static_cast<void>(built.search({1, 2, 3}, 1));
#elif CASE == 1
  annoy::index copy(index);
#elif CASE == 2
  index.add(0, std::vector<int>{1, 2, 3});
#elif CASE == 3
  index.add(0, {1, 2, 3}, annoy::failure());  // nobody could look at it
#elif CASE == 4
  index.search({1, 2, 3}, 1, {}, {}, why);  // for nothing
#elif CASE == 5
  static_cast<void>(index.get_item<int>(0));
#elif CASE == 6
  built.build(10);  // not const
#elif CASE == 7
  // The vector of ids would be gone at once.
  static_cast<void>(built.search_into(std::vector<float>(3), 1, std::vector<std::int64_t>(1)));
#elif CASE == 8
  std::vector<std::int8_t> distances(1);
  std::vector<std::int64_t> ids(1);
  built.search_into({1, 2, 3}, 1, ids, distances);
#elif CASE == 9
  index.load("file", true);  // load_flags::prefault
#elif CASE == 10
  annoy::index::open("file");  // opened for nothing
#elif CASE == 11
  index.set_metadata(std::vector<int>{1, 2});  // no bytes
#elif CASE == 12
  built.to_bytes();  // for nothing
#elif CASE == 13
  index.load_bytes(std::vector<int>{1, 2});  // no bytes
#endif
}
