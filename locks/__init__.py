"""The locked set of dependencies: installing it, renewing it, and trying what is newer."""
