"""Work that is done later or at certain times: names and callables, nothing about what they do."""
