//go:build !race

package annoy_test

const raceDetector = false
