"""Speed, score and memory of fastml beside its peers: one list of cases, three ways to run it."""
