// A program that has names of annoy.h for things of its own, before the header and behind it, as
// RcppAnnoy has its annoy_version().
#define ANNOY_DOT "a macro"
#define ANNOY_OK an error wherever this is used
struct annoy_index { int mine; };
typedef double annoy_status;
enum { annoy_error = 7, ANNOY_ANGULAR = 70 };
static int annoy_version() { return 42; }
namespace annoy_options { const int metric = 3; }
static double annoy_build(annoy_index* index) { return index->mine; }

#include "annoylib.h"
#include "kissrandom.h"

#include "check.h"

enum { ANNOY_EUCLIDEAN = 71, ANNOY_HAMMING, ANNOY_F32, ANNOY_ABI_VERSION };
static int annoy_free(int x) { return x + 1; }
static const char annoy_load[] = "text";
struct annoy_metric { char name[3]; };

using namespace Annoy;

TEST(own_names) {
  annoy_index own = {3};
  const annoy_status status = annoy_build(&own) + annoy_free(annoy_version());
  CHECK(status == 46 && annoy_error + ANNOY_ANGULAR == 77 && annoy_options::metric == 3 && sizeof(annoy_metric) == 3);
  CHECK(ANNOY_EUCLIDEAN + ANNOY_HAMMING + ANNOY_F32 + ANNOY_ABI_VERSION == 290 && annoy_load[0] == 't');
  CHECK(ANNOY_DOT[0] == 'a');
  AnnoyIndex<int, float, DotProduct, Kiss64Random, AnnoyIndexSingleThreadedBuildPolicy> index(2);
  const float rows[3][2] = {{1, 0}, {0, 1}, {1, 1}};
  for (int i = 0; i < 3; i++) CHECK(index.add_item(i, rows[i]));
  CHECK(index.build(5) && index.get_n_trees() == 5);
  std::vector<int> ids;
  index.get_nns_by_vector(rows[0], 1, -1, &ids, NULL);
  CHECK(ids.size() == 1 && (ids[0] == 0 || ids[0] == 2));
}

int main() {
  RUN(own_names);
  return check::report();
}
