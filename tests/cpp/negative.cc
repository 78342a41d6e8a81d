// What must not compile. run.sh compiles it once for each CASE and looks for the words of the
// message; CASE 0 compiles.
#include "annoylib.h"
#include "kissrandom.h"

using namespace Annoy;

// A metric of one's own, also one that builds on ours.
struct Cosine {
  static const char* name() { return "cosine"; }
};
struct AngularEuclidean : Angular {};

template <typename S, typename T, typename Distance> int use() {
  AnnoyIndex<S, T, Distance, Kiss64Random, AnnoyIndexSingleThreadedBuildPolicy> index(3);
  return index.build(1);
}

int main() {
#if CASE == 0
  return use<int, float, Angular>();
#elif CASE == 1
  return use<int, float, Cosine>();
#elif CASE == 2
  return use<int, double, AngularEuclidean>();
#elif CASE == 3
  return use<int, int, Angular>();
#elif CASE == 4
  return use<int, float, Hamming>();
#elif CASE == 5
  return use<int, uint16_t, Hamming>();
#elif CASE == 6
  return use<int16_t, float, Angular>();
#elif CASE == 7
  // The type of the seed is part of the interface, as in Annoy.
  AnnoyIndexInterface<int, double>* index =
      new AnnoyIndex<int, double, Angular, Kiss32Random, AnnoyIndexSingleThreadedBuildPolicy>(3);
  return index->build(1);
#endif
}
