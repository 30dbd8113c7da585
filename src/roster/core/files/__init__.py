"""Files that people and programs store: pictures, films, documents. Their content lies in the database, in pieces."""
