"""A first suite from a user's folder: what lies there, how it is read, and what this machine can do with it."""
