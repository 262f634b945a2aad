"""The campaign of faults: runs that are killed, cut off from power, out of disk or damaged, and what became of them."""
