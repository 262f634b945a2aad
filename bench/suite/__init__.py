"""YAML to cells: nothing here imports torch or opens an image."""
