"""A CUDA device without a driver: its tensors are fake, those of the host are real, and all waits for it are kept."""
