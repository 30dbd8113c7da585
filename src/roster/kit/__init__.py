"""Plain building blocks: no I/O, no knowledge of people or protocols."""
