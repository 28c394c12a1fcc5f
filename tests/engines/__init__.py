"""One test module an engine, against its slow twin."""
