"""Looking at data: cards, leaks, look-alikes, viewpoints, coverage, context."""
