"""Crop strategies, preprocessing and augmentation."""
