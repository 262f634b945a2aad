"""How results and images are drawn: curves, fronts, overlays, sheets."""
