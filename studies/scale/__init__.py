"""What a cell costs beside its own work on each launcher, and a suite of ten thousand cells on a thousand workers."""
