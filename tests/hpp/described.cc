// Files that say what they are: opening, metadata, verifying, facts, probing; in both
// forms, good and bad.
#include "check.hpp"

#include <cstddef>
#include <fstream>
#include <iterator>

namespace {

std::string bytes_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write(const std::string& file, const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; }

// A file of 100 items and 3 trees with a number changed that only a checksum watches, or with items
// made into nonsense.
std::string damaged(const char* name, bool heavily) {
  const std::string file = check::in_scratch(name);
  check::line_of(100, 3).save(file);
  std::string bytes = bytes_of(file);
  const std::size_t node = 24, vector = 16;
  bytes[7 * node + vector + 3] ^= '\x40';
  if (heavily)
    for (std::size_t i = 20; i < 60; i++) bytes[i * node] = 7;
  write(file, bytes);
  return file;
}

// A file as Annoy has it, over three items at (i, 0): the items, a leaf, and its copy.
std::string plain(const char* name) {
  const std::string file = check::in_scratch(name);
  std::string bytes;
  const auto number = [&bytes](auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); };
  for (int i = 0; i < 3; i++) {
    for (const std::int32_t header : {1, 0, 0, 0}) number(header);
    number(static_cast<float>(i));
    number(0.0f);
  }
  for (int copy = 0; copy < 2; copy++)
    for (const std::int32_t field : {3, 0, 0, 1, 2, 0}) number(field);
  write(file, bytes);
  return file;
}

}  // namespace

TEST(opened_as_what_it_is) {
  annoy::failure why;
  const std::string file = check::in_scratch("described");
  for (const annoy::options& wanted :
       {annoy::options{annoy::metric::angular, 5, annoy::scalar::f64, 64}, annoy::options{annoy::metric::dot, 3, {}, 32},
        annoy::options{annoy::metric::hamming, 40, annoy::scalar::bits8, 32}}) {
    annoy::index made(wanted);
    for (int i = 0; i < 50; i++)
      if (made.scalar() == annoy::scalar::f64) made.add(i, std::vector<double>(wanted.f, i));
      else made.add(i, std::vector<float>(wanted.f, static_cast<float>(i)));
    made.build(2, {1});
    made.save(file);
    why.set(annoy::status::io, 5, "left from before");
    const annoy::index opened[] = {annoy::index::open(file), annoy::index::open(file, annoy::load_flags::prefault),
                                   annoy::index::open(file, annoy::load_flags::copy),
                                   annoy::index::open(file, {}, why)};
    CHECK(!why);
    for (const annoy::index& one : opened) {
      CHECK(one && one.metric() == made.metric() && one.f() == made.f() && one.scalar() == made.scalar());
      CHECK(one.id_bits() == made.id_bits() && one.n_items() == 50 && one.n_trees() == 2);
      CHECK(one.search_item(7, 5, {1000}) == made.search_item(7, 5, {1000}));
    }
  }
}

TEST(opening_fails) {
  const std::string file = check::in_scratch("opens"), nowhere = check::in_scratch("no/such/place"), bad = file + "-bad";
  check::line_of(30, 2).save(file);
  FAILS(io, "such", annoy::index::open(nowhere), annoy::index::open(nowhere, {}, why));
  const auto flags = static_cast<annoy::load_flags>(3);
  FAILS(argument, "flags is 0x3", annoy::index::open(file, flags), annoy::index::open(file, flags, why));
  const std::string nul = file + std::string("\0.old", 5), latin = file + "\xE4";
  check::line_of(3, 1).save(latin);  // names are bytes
  CHECK(annoy::index::open(latin).n_items() == 3);
  FAILS(argument, "NUL", annoy::index::open(nul), annoy::index::open(nul, {}, why));
  FAILS(argument, "NUL", annoy::verify_file(nul), annoy::verify_file(nul, {}, why));
  FAILS(argument, "NUL", annoy::find_faults_in(nul), annoy::find_faults_in(nul, 1, {}, why));
  FAILS(argument, "NUL", annoy::probe(nul), annoy::probe(nul, why));
  const std::string by_annoy = plain("opens-plain");
  FAILS(format, "no superblock", annoy::index::open(by_annoy), annoy::index::open(by_annoy, {}, why));
  FAILS(format, "no superblock", annoy::verify_file(by_annoy), annoy::verify_file(by_annoy, {}, why));
  FAILS(format, "no superblock", annoy::find_faults_in(by_annoy), annoy::find_faults_in(by_annoy, 1, {}, why));
  const std::string bytes = bytes_of(file);
  write(bad, bytes.substr(0, bytes.size() / 2));
  FAILS(format, "", annoy::index::open(bad), annoy::index::open(bad, {}, why));
  FAILS(format, "", annoy::probe(bad), annoy::probe(bad, why));
  FAILS(io, "", annoy::probe(nowhere), annoy::probe(nowhere, why));
  FAILS(io, "", annoy::verify_file(nowhere), annoy::verify_file(nowhere, {}, why));
  annoy::failure wrong;
  CHECK(!annoy::index::open(bad, {}, wrong) && wrong && annoy::probe(bad, wrong).empty() && wrong);
  // Of another f: both are named.
  annoy::index other(annoy::metric::manhattan, 2);
  FAILS(format, "by its own word it is a euclidean index of f = 2", other.load(file), other.load(file, {}, why));
}

TEST(a_copy_needs_no_file) {
  const std::string file = check::in_scratch("copied");
  annoy::index index = check::line_of(50, 2);
  index.save_and_load(file, annoy::load_flags::copy);
  const annoy::index opened = annoy::index::open(file, annoy::load_flags::copy);
  std::filesystem::resize_file(file, 0);
  CHECK(index.search({20, 0}, 3, {1000}).size() == 3 && opened.search({20, 0}, 3, {1000}) == index.search({20, 0}, 3, {1000}));
  opened.verify();
}

TEST(metadata) {
  annoy::failure wrong;
  const std::string file = check::in_scratch("with metadata"), all("\0\1 of \xFF", 7), most(65536, 'x');
  annoy::index index = check::line_of(5, 0);
  CHECK(index.metadata().empty() && index.metadata(wrong).empty() && !wrong);
  index.set_metadata("text");
  CHECK(index.metadata() == "text" && index.set_metadata(all, wrong) && index.metadata(wrong) == all && !wrong);
  index.build(1);
  index.save(file);
  CHECK(annoy::index::open(file).metadata() == all);
  const std::vector<std::byte> bytes{std::byte{7}, std::byte{0}, std::byte{255}};
  index.set_metadata(bytes);
  CHECK(index.metadata() == std::string("\7\0\xFF", 3));
  CHECK(index.set_metadata({bytes.data(), 1}, wrong) && index.metadata() == "\7");
  index.set_metadata(most);
  CHECK(index.metadata() == most);
  FAILS(argument, "65537, expected 65536", index.set_metadata(most + "x"), index.set_metadata(most + "x", why));
  CHECK(index.metadata() == most);
  index.set_metadata("");
  CHECK(index.metadata().empty());
  index.load(file);
  CHECK(index.metadata() == all);
  index.unload();
  CHECK(index.metadata().empty());
}

TEST(verifying) {
  annoy::failure wrong;
  annoy::index index = check::line_of(100, 3);
  index.verify();
  CHECK(index.verify({}, wrong) && index.find_faults().count == 0 && index.find_faults(5, {}, wrong).first.empty() && !wrong);
  const std::string good = check::in_scratch("sound");
  index.save(good);
  annoy::verify_file(good);
  CHECK(annoy::verify_file(good, {}, wrong) && annoy::find_faults_in(good).count == 0);

  const std::string one = damaged("one fault", false);
  FAILS(corrupt, "the items section", annoy::verify_file(one), annoy::verify_file(one, {}, why));
  index.load(one);
  FAILS(corrupt, "the items section", index.verify(), index.verify({}, why));
  wrong.set(annoy::status::io, 5, "left from before");
  for (const annoy::faults_found& found : {index.find_faults(), index.find_faults(1, {}, wrong), annoy::find_faults_in(one),
                                           annoy::find_faults_in(one, 1, {}, wrong)}) {
    CHECK(found.count == 1 && found.first.size() == 1 && found.first[0].node == -1 && !wrong);
    CHECK(check::has(found.first[0].text, "the items section (kind 1, 2400 bytes from 0) has the checksum"));
  }

  const std::string many = damaged("many faults", true);
  const annoy::faults_found all = annoy::find_faults_in(many, 10000);
  CHECK(all.count > 100 && all.first.size() == all.count);
  for (const std::size_t most : {std::size_t(0), std::size_t(1), std::size_t(30), all.count, all.count + 1}) {
    const annoy::faults_found found = annoy::find_faults_in(many, most, {}, wrong);
    CHECK(!wrong && found.count == all.count && found.first.size() == std::min(most, all.count));
    for (std::size_t i = 0; i < found.first.size(); i++)
      CHECK(found.first[i].node == all.first[i].node && found.first[i].text == all.first[i].text);
  }
  CHECK(annoy::find_faults_in(many).first.size() == 100);
  CHECK(all.first.back().node == -1 && check::has(all.first.back().text, "60 items are present, the superblock counts 100"));

  const annoy::index empty(annoy::metric::dot, 3);
  FAILS(state, "not built", empty.verify(), empty.verify({}, why));
  FAILS(state, "not built", empty.find_faults(), empty.find_faults(1, {}, why));
}

TEST(facts) {
  annoy::failure why;
  annoy::index index = check::line_of(100, 0);
  CHECK(index.info().n_items == 100 && index.info().n_trees == 0 && !index.info().seed);
  index.unload();
  for (int i = 0; i < 200; i += 2) index.add(i, {static_cast<float>(i), 1});
  index.set_seed(12345678901234567890u);
  index.build(4, {1});
  const annoy::info built = index.info(why);
  CHECK(!why && built.n_items == 199 && built.n_present == 100 && built.n_trees == 4 && built.node_size == 24);
  CHECK(built.n_splits > 0 && built.n_leaves > 0 && built.n_coin_splits >= 0 && built.depth > 4 && built.max_leaf == 4);
  CHECK(built.bytes == static_cast<std::uint64_t>(built.n_nodes) * 24 && built.leaf_fill > 0.4 && built.leaf_fill <= 1);
  CHECK(built.imbalance >= 0.5 && built.imbalance < 1 && built.seed == 12345678901234567890u);
  CHECK(!built.is_loaded && !built.is_described);
  index.save_and_load(check::in_scratch("facts"));
  const annoy::info loaded = index.info();
  CHECK(loaded.is_loaded && loaded.is_described && loaded.seed == built.seed && loaded.n_splits == built.n_splits);
  CHECK(loaded.leaf_fill >= built.leaf_fill && loaded.leaf_fill <= built.leaf_fill && loaded.depth == built.depth);
  // One by Annoy, which has no superblock.
  index.load(plain("facts-plain"));
  const annoy::info of_plain = index.info();
  CHECK(of_plain.n_items == 3 && of_plain.n_trees == 1 && of_plain.n_leaves == 1 && of_plain.depth == 1);
  CHECK(of_plain.is_loaded && !of_plain.is_described && !of_plain.seed && of_plain.n_nodes == 5);
}

TEST(probing) {
  annoy::failure why;
  const std::string file = check::in_scratch("probed");
  annoy::index made(annoy::options{annoy::metric::angular, 7, annoy::scalar::f64, 64});
  made.add(0, std::vector<double>(7, 1));
  made.build(3);
  made.save(file);
  for (const std::vector<annoy::kind>& kinds : {annoy::probe(file), annoy::probe(file, why)}) {
    CHECK(kinds.size() == 1 && kinds[0].options.metric == annoy::metric::angular && kinds[0].options.f == 7);
    CHECK(kinds[0].options.scalar == annoy::scalar::f64 && kinds[0].options.id_bits == 64);
    CHECK(kinds[0].n_items == 1 && kinds[0].n_trees == 3 && kinds[0].layout == "1.17");
  }
  // What Annoy does not say is found by its structure: an index of each kind loads it.
  const std::string by_annoy = plain("probed-plain");
  const std::vector<annoy::kind> kinds = annoy::probe(by_annoy, why);
  CHECK(!why && kinds.size() > 1);
  int right = 0;
  for (const annoy::kind& kind : kinds) {
    annoy::index index(kind.options);
    index.load(by_annoy);
    CHECK(index.n_items() == kind.n_items && index.n_trees() == kind.n_trees && !kind.layout.empty());
    right += index.metric() == annoy::metric::euclidean && index.f() == 2 && index.scalar() == annoy::scalar::f32 &&
             index.id_bits() == 32 && index.n_items() == 3 && index.n_trees() == 1;
  }
  CHECK(right == 1);
}

TEST(moved_from_has_nothing_to_say) {
  annoy::index index;
  FAILS(null, "index", index.set_metadata("x"), index.set_metadata("x", why));
  FAILS(null, "index", index.set_metadata(annoy::span<const std::byte>()),
        index.set_metadata(annoy::span<const std::byte>(), why));
  FAILS(null, "index", index.metadata(), index.metadata(why));
  FAILS(null, "index", index.verify(), index.verify({}, why));
  FAILS(null, "index", index.find_faults(), index.find_faults(1, {}, why));
  FAILS(null, "index", index.info(), index.info(why));
}
