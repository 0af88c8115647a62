"""Compute kernels: the gradient codec, Merkle trees, canonical tensors."""
