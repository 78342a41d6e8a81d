"""Side-by-side comparison of approximate-nearest-neighbour libraries. ../README.md says what it
measures, and how."""
