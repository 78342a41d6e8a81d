// Never run: the header under the warnings that strict projects switch on, every
// member instantiated.
#include "annoylib.h"
#include "kissrandom.h"

namespace Annoy {
template class AnnoyIndexInterface<int32_t, float>;
template class AnnoyIndex<int32_t, float, Angular, Kiss64Random, AnnoyIndexSingleThreadedBuildPolicy>;
template class AnnoyIndex<uint32_t, double, DotProduct, Kiss32Random, AnnoyIndexMultiThreadedBuildPolicy>;
template class AnnoyIndex<int64_t, float, Euclidean, Kiss64Random, AnnoyIndexMultiThreadedBuildPolicy>;
template class AnnoyIndex<size_t, double, Manhattan, Kiss32Random, AnnoyIndexSingleThreadedBuildPolicy>;
template class AnnoyIndex<int32_t, uint64_t, Hamming, Kiss64Random, AnnoyIndexMultiThreadedBuildPolicy>;
template class AnnoyIndex<uint32_t, uint32_t, Hamming, Kiss64Random, AnnoyIndexMultiThreadedBuildPolicy>;
template class AnnoyIndex<int64_t, int, Hamming, Kiss32Random, AnnoyIndexMultiThreadedBuildPolicy>;
template class AnnoyIndex<uint64_t, uint8_t, Hamming, Kiss32Random, AnnoyIndexSingleThreadedBuildPolicy>;
template class AnnoyIndex<long long, unsigned long long, Hamming, Kiss32Random, AnnoyIndexSingleThreadedBuildPolicy>;
template class AnnoyIndex<int64_t, signed char, Hamming, Kiss32Random, AnnoyIndexSingleThreadedBuildPolicy>;
}  // namespace Annoy
