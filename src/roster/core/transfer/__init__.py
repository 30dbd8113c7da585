"""Import and export of people: files of several forms, read and written in streams, merged in batches."""
