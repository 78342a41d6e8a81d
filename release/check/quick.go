package main

import (
	"context"
	"fmt"

	annoy "GO_MODULE"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	ctx := context.Background()
	index, err := annoy.New(3, annoy.Angular)
	check(err)
	check(index.AddItems(ctx, nil, []float32{1, 0, 0, 0, 1, 0, 1, 1, 0}))
	check(index.SetLabels(nil, []string{"east", "north", "north-east"}))
	check(index.Build(ctx, 10))
	check(index.BuildGraph(ctx, annoy.GraphOptions{}))
	check(index.Save(ctx, "three.ann"))
	opened, err := annoy.Open("three.ann")
	check(err)
	found, err := opened.Search(ctx, []float32{1, 0.1, 0}, 2)
	check(err)
	fmt.Printf("%d %d %.3f\n", found[0].ID, found[1].ID, found[0].Distance)
}
