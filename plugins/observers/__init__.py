"""Observers: trackers that are told of runs, each with the packages of its extra."""
