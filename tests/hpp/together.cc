// Beside the drop-in, in one translation unit, with names of everything in sight.
#include <annoylib.h>
#include <kissrandom.h>
#include <strings.h>  // declares a function index()

#include "check.hpp"

using namespace Annoy;
using namespace std;

TEST(one_file_through_both_headers) {
  const string file = check::in_scratch("together");
  AnnoyIndex<int, float, Euclidean, Kiss64Random, AnnoyIndexSingleThreadedBuildPolicy> theirs(2);
  for (int i = 0; i < 50; i++) {
    const float point[] = {static_cast<float>(i), 1};
    CHECK(theirs.add_item(i, point));
  }
  CHECK(theirs.build(3) && theirs.save(file.c_str()));
  annoy::index ours(annoy::metric::euclidean, 2);
  ours.load(file);
  vector<int> ids;
  vector<float> distances;
  theirs.get_nns_by_item(7, 5, -1, &ids, &distances);
  const vector<annoy::neighbor> found = ours.search_item(7, 5);
  CHECK(found.size() == 5 && ids.size() == 5);
  for (size_t i = 0; i < found.size(); i++)
    CHECK(found[i].id == ids[i] && static_cast<float>(found[i].distance) == distances[i]);
  using annoy::index;  // in a function, this hides the other one
  const index nothing;
  CHECK(!nothing);
}
