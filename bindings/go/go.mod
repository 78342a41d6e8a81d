module annoy_rs/bindings/go

go 1.19
