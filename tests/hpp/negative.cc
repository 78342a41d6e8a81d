// What must not compile, one CASE at a time; 0 must. run.sh knows what the compiler has to say to each.
#include <annoy.hpp>

void use(annoy::index& index, const annoy::index& built, annoy::failure& why) {
#if CASE == 0
  index.add_item(0, {1, 2, 3});
  static_cast<void>(built.search({1, 2, 3}, 1));
  static_cast<void>(why);
#elif CASE == 1
  annoy::index copy(index);
#elif CASE == 2
  index.add_item(0, std::vector<int>{1, 2, 3});
#elif CASE == 3
  index.add_item(0, {1, 2, 3}, why);  // result not looked at
#elif CASE == 4
  index.search({1, 2, 3}, 1);  // as here
#elif CASE == 5
  static_cast<void>(index.get_item<int>(0));
#elif CASE == 6
  built.build(10);  // not const
#elif CASE == 7
  static_cast<void>(built.search_into(std::vector<float>(3), 1, std::vector<std::int64_t>(1)));  // gone at once
#elif CASE == 8
  static_cast<void>(built.search_item<std::uint64_t>(0, 1));
#elif CASE == 9
  index.load("file", true);  // load_flags::prefault
#elif CASE == 10
  annoy::index::open("file");  // opened for nothing
#elif CASE == 11
  built.verify(why);  // result not looked at
#elif CASE == 12
  index.set_metadata(std::vector<int>{1, 2});  // no bytes
#elif CASE == 13
  built.save_to_bytes();  // for nothing
#elif CASE == 14
  index.load_from_buffer(std::vector<int>{1, 2});  // no bytes
#endif
}
