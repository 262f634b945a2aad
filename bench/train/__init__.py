"""The one training loop, losses, convergence."""
