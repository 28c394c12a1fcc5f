"""Losses: objects over the C kernels of gradients and hessians."""
