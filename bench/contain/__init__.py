"""Processes that end with whatever they started, and channels on which only they can speak."""
