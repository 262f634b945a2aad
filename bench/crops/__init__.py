"""Crops for training and tiles for prediction: positions, banks, cut and stitch."""

from bench.machine import refuse_windows

refuse_windows()  # what follows imports modules that Windows lacks
