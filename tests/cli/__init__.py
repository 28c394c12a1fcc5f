"""The command line, in parts and by running it."""
