"""What enters an estimator: validation, frames, encoding, weights, binning."""
