"""The sweep behind the atlas: its grid, its cells, what runs them."""
