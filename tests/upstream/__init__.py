"""scikit-learn's own tests, run on fastml's classes."""
