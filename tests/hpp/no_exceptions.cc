// Compiled without exceptions and RTTI: the forms with a failure are all one needs.
#include <annoy.hpp>

#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
  annoy::failure why;
  annoy::index index(annoy::metric::manhattan, 2, why);
  if (!index || why) return 2;
  int heard = 0;
  if (!index.set_log([&heard](annoy::log_level, std::string_view) { heard++; }, annoy::log_level::info, why)) return 3;
  if (!index.add(0, {1, 2}, why) || !index.build(1, {1}, why) || heard == 0) return 4;
  if (index.search({1, 2}, 1, {}, {}, why).size() != 1 || why) return 5;
  if (index.add(1, {1, 2}, why) || why.status() != annoy::status::state) return 6;
  if (annoy::index::open("nowhere", {}, why) || why.status() != annoy::status::io) return 7;
  if (!index.verify({}, why) || index.info(why).n_trees != 1 || index.find_faults(1, {}, why).count != 0 || why) return 8;
  if (!annoy::probe("nowhere", why).empty() || annoy::verify_file("nowhere", {}, why) || !why) return 9;
  if (argc > 1 && std::strcmp(argv[1], "raise") == 0) index.add(1, {1, 2});
  std::puts("good");
  return 0;
}
