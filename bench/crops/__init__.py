"""Crops for training and tiles for prediction: positions, banks, cut and stitch."""
