// Shared by two source files that both use the header.
#pragma once

#include "annoylib.h"
#include "kissrandom.h"

typedef Annoy::AnnoyIndex<int32_t, float, Annoy::Angular, Annoy::Kiss64Random, Annoy::AnnoyIndexMultiThreadedBuildPolicy>
    FloatIndex;
typedef Annoy::AnnoyIndex<int64_t, uint8_t, Annoy::Hamming, Annoy::Kiss32Random, Annoy::AnnoyIndexSingleThreadedBuildPolicy>
    ByteIndex;

// In other.cc.
FloatIndex float_index(int f);
bool add(Annoy::AnnoyIndexInterface<int32_t, float>& index, int item, float x, char** error);
std::vector<int64_t> search(const ByteIndex& index, int64_t item);
const void* kept(FloatIndex index);
