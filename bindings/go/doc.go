// Package annoy finds approximate nearest neighbours: indexes in memory-mapped files, in the format
// of Spotify's Annoy.
//
//	index, err := annoy.New(3, annoy.Angular)
//	err = index.AddItem(0, []float32{1, 0, 0})
//	err = index.AddItem(1, []float32{0, 1, 0})
//	err = index.Build(ctx, 10)
//	neighbors, err := index.Search(ctx, []float32{1, 0.1, 0}, 2)
//	err = index.Save(ctx, "two.ann")
//
// It is a thin layer over annoy.h, which has the full story of every call.
//
// # Vectors
//
// A vector has F numbers. They are []float32, or []float64 where the index was made for [Float64],
// which the methods that end in Float64 take. Hamming indexes take bits packed into []uint64, by
// the methods that end in Bits, or one number per bit. Nothing is copied on the way to the library.
// Many vectors are in one slice, one after the other.
//
// # Errors
//
// When the library refuses something, the error is an [*Error], which says what was found and what
// was expected. errors.Is tells the kinds apart (errors.Is(err, annoy.ErrState)). It also finds the
// error of the operating system (errors.Is(err, fs.ErrNotExist)) or of the context (errors.Is(err,
// context.Canceled)). A call that fails leaves the index as it was.
//
// # Goroutines
//
// Every method may be called from any goroutine at any time, Close included. Methods that only read
// (searches, Item, Distance, Save, Verify and so on) run at the same time. A method that changes
// the index runs alone: it waits for the others, and the others wait for it. A function passed to a
// method (a filter, progress, a logger) runs on the goroutine that called the method. It must not
// use the same index, or it may wait for itself, and must not call runtime.Goexit. When it panics,
// the method panics too, once the library has returned.
//
// # Contexts
//
// The context of a long call can end it early. A method whose comment does not say so looks at the
// context only before it begins.
package annoy
