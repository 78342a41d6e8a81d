// Files in memory: saving, loading and opening; and thawing; in both forms, good and bad.
#include "check.hpp"

#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>

namespace {

annoy::index named(int n) {
  annoy::index index = check::line_of(n, 3);
  index.set_label(0, "zero");
  index.remove(n - 1);
  index.set_metadata("about it");
  return index;
}

bool alike(const annoy::index& a, const annoy::index& b) {
  return a.n_items() == b.n_items() && a.n_trees() == b.n_trees() && a.metadata() == b.metadata() &&
         a.label(0) == b.label(0) && a.n_removed() == b.n_removed() &&
         a.search({20, 0}, 5, {10000}) == b.search({20, 0}, 5, {10000});
}

}  // namespace

TEST(saved_bytes_are_those_of_the_file) {
  annoy::failure wrong;
  const annoy::index index = named(100);
  const std::string path = check::in_scratch("bytes");
  index.save(path);
  std::ifstream stream(path, std::ios::binary);
  const std::vector<char> file{std::istreambuf_iterator<char>(stream), {}};
  wrong.set(annoy::status::io, 5, "left from before");
  CHECK(index.saved_size() == file.size() && index.saved_size(wrong) == file.size() && !wrong);
  CHECK(index.to_bytes<char>() == file && index.to_bytes<char>({}, wrong) == file && !wrong);
  const std::vector<std::byte> bytes = index.to_bytes();
  CHECK(bytes.size() == file.size() && std::memcmp(bytes.data(), file.data(), file.size()) == 0);
  CHECK(index.to_bytes<unsigned char>().size() == file.size());
  std::vector<std::byte> room(file.size() + 3, std::byte{7});
  CHECK(index.save_to_buffer(room) == file.size() && std::memcmp(room.data(), file.data(), file.size()) == 0);
  CHECK(room[file.size()] == std::byte{7} && index.save_to_buffer(room, {}, wrong) == file.size());
  const annoy::span<std::byte> small(room.data(), 10);
  FAILS(too_small, "there is room for 10, expected ", index.save_to_buffer(small), index.save_to_buffer(small, {}, why));
  CHECK(index.save_to_buffer(small, {}, wrong) == 0 && wrong);

  const annoy::index empty = check::line_of(3, 0);
  FAILS(state, "not built", empty.saved_size(), empty.saved_size(why));
  FAILS(state, "not built", empty.to_bytes(), empty.to_bytes({}, why));
  FAILS(state, "not built", empty.save_to_buffer(room), empty.save_to_buffer(room, {}, why));
  CHECK(empty.to_bytes({}, wrong).empty() && wrong);
}

TEST(bytes_are_loaded_and_opened) {
  annoy::failure wrong;
  const annoy::index made = named(100);
  // What each of them holds; borrowed, so that it has to outlive the indexes.
  const std::vector<std::byte> bytes = made.to_bytes();
  const std::vector<unsigned char> unsigned_chars = made.to_bytes<unsigned char>();
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string odd = "x" + text;
  const annoy::index opened[] = {
      annoy::index::from_bytes(bytes),
      annoy::index::from_bytes(unsigned_chars),
      annoy::index::from_bytes(text),
      annoy::index::from_bytes(std::string_view(odd).substr(1), annoy::load_flags::none, wrong),
      annoy::index::from_bytes({bytes.data(), bytes.size()}),
      annoy::index::from_bytes(made.to_bytes(), annoy::load_flags::copy),
      annoy::index::from_bytes(std::string(text), annoy::load_flags::copy, wrong),
  };
  CHECK(!wrong);
  for (const annoy::index& one : opened) CHECK(one.metric() == annoy::metric::euclidean && alike(made, one));
  annoy::index loaded = check::line_of(5, 0);
  loaded.load_bytes(bytes);
  CHECK(alike(made, loaded) && loaded.load_bytes(text, {}, wrong) && alike(made, loaded));
  loaded.load_bytes(made.to_bytes(), annoy::load_flags::copy);
  CHECK(alike(made, loaded));

  const std::string_view half = std::string_view(text).substr(0, text.size() / 2);
  FAILS(format, "the buffer is not a", annoy::index::from_bytes(half), annoy::index::from_bytes(half, {}, why));
  FAILS(format, "the buffer is not a", loaded.load_bytes(half), loaded.load_bytes(half, {}, why));
  FAILS(format, "empty", loaded.load_bytes({}), loaded.load_bytes({}, {}, why));
  const auto flags = annoy::load_flags::prefault;
  FAILS(argument, "flags", annoy::index::from_bytes(text, flags), annoy::index::from_bytes(text, flags, why));
  FAILS(argument, "flags", loaded.load_bytes(text, flags), loaded.load_bytes(text, flags, why));
  FAILS(null, "bytes", loaded.load_bytes({nullptr, 5}), loaded.load_bytes({nullptr, 5}, {}, why));
  CHECK(alike(made, loaded) && !annoy::index::from_bytes(half, {}, wrong) && wrong);
}

TEST(thawed_as_if_never_built) {
  annoy::failure wrong;
  annoy::index fresh = check::line_of(101, 0);
  fresh.set_label(0, "zero");
  fresh.remove(99);
  fresh.set_metadata("about it");
  fresh.build(4, {1});
  annoy::index index;
  {
    const std::vector<std::byte> bytes = named(100).to_bytes();
    index = annoy::index::from_bytes(bytes);
    FAILS(state, "the index is loaded", index.add(100, {100, 0}), index.add(100, {100, 0}, why));
    index.thaw();
  }
  index.add(100, {100, 0});
  index.build(4, {1});
  CHECK(index.to_bytes() == fresh.to_bytes());
  // Whatever the state was.
  CHECK(index.thaw(wrong) && !wrong && index.n_trees() == 0 && index.thaw(wrong) && index.n_items() == 101);

  std::vector<std::byte> bytes = named(100).to_bytes();
  bytes[50 * 24 + 19] = std::byte{0x7f};
  bytes[50 * 24 + 18] = std::byte{0xc0};
  index.load_bytes(bytes);
  FAILS(not_finite, "value 0 of the vector of item 50 is NaN", index.thaw(), index.thaw(why));
  CHECK(index.n_trees() == 3 && index.info().is_loaded);
}
