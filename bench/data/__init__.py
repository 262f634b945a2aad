"""Index, splits and leaks: what a data set holds, before any crop is taken."""
