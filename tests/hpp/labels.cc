// Labels, in both forms, good and bad.
#include "check.hpp"

TEST(numbers) {
  annoy::index index = check::line_of(10, 0);
  annoy::failure failed;
  CHECK(index.label_kind() == annoy::label_kind::none && index.n_labels() == 0);
  index.set_label(3, 300);
  CHECK(index.set_label(4, 400, failed) && index.label_kind() == annoy::label_kind::u64);
  const std::vector<std::uint64_t> two = {500, 600};
  const std::vector<std::int64_t> ids = {5, 6};
  index.set_labels(ids, two);
  CHECK(index.set_labels(ids, two, failed));
  index.build(2, {1});
  const std::string file = check::in_scratch("numbers");
  index.save(file);
  const annoy::index loaded = annoy::index::open(file);
  for (const annoy::index* one : {static_cast<const annoy::index*>(&index), &loaded}) {
    CHECK(one->n_labels() == 4 && one->label_u64(5) == 500 && one->label_u64(6, failed) == 600);
    CHECK(one->find_label(300) == 3 && one->find_label(400, failed) == 4);
    const std::vector<std::int64_t> asked = {3, 0, -1, 6};
    CHECK((one->labels_u64(asked, 7) == std::vector<std::uint64_t>{300, 7, 7, 600}));
    CHECK(one->labels_u64(asked, 7, failed) == one->labels_u64(asked, 7));
    one->verify();
  }
  FAILS(label, "item 0 has no label", loaded.label_u64(0), loaded.label_u64(0, why));
  FAILS(label, "no item has the label 9", loaded.find_label(9), loaded.find_label(9, why));
  FAILS(label, "that of item 3", index.set_label(0, 300), index.set_label(0, 300, why));
  FAILS(item, "10", index.set_label(10, 1), index.set_label(10, 1, why));
  FAILS(unsupported, "numbers, not strings", index.set_label(0, "x"), index.set_label(0, "x", why));
  FAILS(unsupported, "numbers, not strings", loaded.label(3), loaded.label(3, why));
  FAILS(argument, "2", index.set_labels({ids.data(), 1}, two), index.set_labels({ids.data(), 1}, two, why));
  FAILS(item, "10", loaded.labels_u64(std::vector<std::int64_t>{10}),
        loaded.labels_u64(std::vector<std::int64_t>{10}, 0, why));
  index.clear_label(3);
  CHECK(index.clear_label(4, failed) && index.n_labels() == 2);
  FAILS(item, "-1", index.clear_label(-1), index.clear_label(-1, why));
  CHECK(index.clear_labels(failed) && index.n_labels() == 0);
  index.set_label(0, "x");
  index.clear_labels();
  annoy::index nothing;
  FAILS(null, "index", nothing.clear_labels(), nothing.clear_labels(why));
  CHECK(nothing.n_labels() == 0 && nothing.label_kind() == annoy::label_kind::none);
}

TEST(strings) {
  annoy::index index = check::line_of(5, 2);
  annoy::failure failed;
  const std::string with_nul("a\0b", 3);
  index.set_label(0, with_nul);
  CHECK(index.set_label(1, "", failed) && index.label_kind() == annoy::label_kind::utf8);
  const std::vector<std::string> more = {"zwei", "drei"};
  const std::vector<std::string_view> same = {"zwei", "drei"};
  const std::vector<std::int64_t> ids = {2, 3};
  index.set_labels(ids, more);
  CHECK(index.set_labels(ids, same, failed) && index.set_labels(ids, more, failed));
  CHECK(index.label(0) == with_nul && index.label(1, failed).empty() && !failed && index.label(3) == "drei");
  CHECK(index.find_label(with_nul) == 0 && index.find_label("", failed) == 1 && index.find_label("zwei") == 2);
  const std::vector<std::int64_t> asked = {1, 4, -1, 2};
  const auto found = index.labels(asked);
  CHECK(found.size() == 4 && found[0] == "" && !found[1] && !found[2] && found[3] == "zwei");
  CHECK(index.labels(asked, failed) == found);
  FAILS(argument, "0xff at 1", index.set_label(4, "a\xff"), index.set_label(4, "a\xff", why));
  FAILS(argument, "0xff at 1", index.find_label("a\xff"), index.find_label("a\xff", why));
  FAILS(label, "item 4 has no label", index.label(4), index.label(4, why));
  FAILS(label, "\"vier\"", index.find_label("vier"), index.find_label("vier", why));
  FAILS(unsupported, "strings, not numbers", index.label_u64(0), index.label_u64(0, why));
  FAILS(unsupported, "strings, not numbers", index.find_label(1), index.find_label(1, why));
  const std::vector<std::string> bad = {"ok", "\xc3"};
  FAILS(argument, "0xc3", index.set_labels(bad), index.set_labels(bad, why));
  const std::vector<std::string_view> twice = {"x", "x"};
  FAILS(label, "item 1 cannot have the label \"x\"", index.set_labels(twice), index.set_labels(twice, why));
  CHECK(index.label(0) == with_nul && index.n_labels() == 4);
  const std::vector<std::string_view> all = {"a", "b", "c", "d", "e"};
  index.set_labels(all);
  CHECK(index.n_labels() == 5 && index.find_label("e") == 4);
  FAILS(item, "100", index.labels(std::vector<std::int64_t>{100}), index.labels(std::vector<std::int64_t>{100}, why));
  const std::vector<std::uint64_t> none;
  CHECK(index.set_labels(none, failed));
}
