"""Crop strategies: where training crops are taken."""
