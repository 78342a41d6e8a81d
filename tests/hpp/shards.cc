// Directories of shards in annoy.hpp.
#include "check.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"  // it is C, too
#include "../conformance/json.h"
#pragma GCC diagnostic pop

namespace {

std::string make(const char* name) {
  const std::string directory = check::in_scratch(name);
  std::filesystem::create_directory(directory);
  for (int shard = 0; shard < 2; shard++) {
    annoy::index index(annoy::metric::euclidean, 1);
    for (int item = 0; item < 10; item++) index.add(item, {static_cast<float>(10 * shard + item)});
    index.build(1);
    index.save(directory + (shard ? "/b.ann" : "/a.ann"));
  }
  return directory;
}

void same(const json* row, const annoy::neighbors& found) {
  const json* id = json_get(row, "ids")->first;
  const json* distance = json_get(row, "distances")->first;
  CHECK(found.size() == json_get(row, "ids")->n);
  for (const auto& one : found) {
    if (!id || !distance) break;
    CHECK(one.id == json_int64(id));
    CHECK(static_cast<float>(one.distance) == static_cast<float>(json_double(distance)));
    id = id->next, distance = distance->next;
  }
}

}  // namespace

TEST(shards) {
  const std::string directory = make("shards");
  CHECK(annoy::commit_shards(directory, {{"a.ann"}, {"b.ann"}}) == 1);
  const annoy::index index = annoy::index::open(directory);
  CHECK(index.n_items() == 20 && index.n_shards() == 2 && index.n_missing() == 0 && index.generation() == 1);
  const auto found = index.search(std::vector<float>{12.2f}, 2);
  CHECK(found.size() == 2 && found[0].id == 12 && found[1].id == 13);
  annoy::search_options first;
  first.shards = {0};
  CHECK(index.search(std::vector<float>{12.2f}, 1, first)[0].id == 9);
  CHECK(annoy::commit_shards(directory, {{"a.ann", "left", {3}}, {"b.ann"}}, 1, 1) == 2);
  CHECK(index.n_removed() == 0 && index.refresh() == 2 && index.n_removed() == 1);
  annoy::failure why;
  CHECK(annoy::commit_shards(directory, {{"a.ann"}}, 1, 0, why) == 0);
  CHECK(why.code() == annoy::status::state);
  std::filesystem::remove(directory + "/a.ann");
  CHECK(annoy::index::open(directory, annoy::load_flags::partial).n_missing() == 1);
}

TEST(shards_conform) {
  const std::string here = CONFORMANCE "/shards";
  char* text = nullptr;
  json* all = json_file((here + "/answers.json").c_str(), &text);
  const annoy::index index = annoy::index::open(here + "/three.annd");
  for (const json* search = json_get(all, "searches")->first; search; search = search->next) {
    const auto n = static_cast<std::size_t>(json_int64(json_get(search, "n")));
    annoy::search_options told;
    told.search_k = json_int64(json_get(search, "search_k"));
    const json* row = json_get(search, "by_vector")->first;
    for (const json* query = json_get(all, "queries")->first; query; query = query->next, row = row->next) {
      std::vector<float> vector;
      for (const json* number = query->first; number; number = number->next)
        vector.push_back(static_cast<float>(json_double(number)));
      same(row, index.search(vector, n, told));
    }
    row = json_get(search, "by_item")->first;
    for (const json* item = json_get(all, "items")->first; item; item = item->next, row = row->next)
      same(row, index.search_item(json_int64(item), n, told));
  }
  json_free(all);
  std::free(text);
}
