"""What `Index` is made of: each has a part of its methods."""
