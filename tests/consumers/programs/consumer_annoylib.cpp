// Code written for Spotify's header, found through annoy_rs::annoylib under both of its paths.
#include <annoy/annoylib.h>
#include <kissrandom.h>
#include <annoylib.h>

int main() {
    Annoy::AnnoyIndex<int, float, Annoy::Euclidean, Annoy::Kiss64Random, Annoy::AnnoyIndexSingleThreadedBuildPolicy>
        index(2);
    const float points[3][2] = {{0, 0}, {1, 0}, {0, 3}};
    for (int i = 0; i < 3; i++) {
        if (!index.add_item(i, points[i])) return 1;
    }
    if (!index.build(5)) return 2;
    std::vector<int> nearest;
    index.get_nns_by_item(1, 2, -1, &nearest, NULL);
    return nearest.size() == 2 && nearest[0] == 1 && nearest[1] == 0 ? 0 : 3;
}
