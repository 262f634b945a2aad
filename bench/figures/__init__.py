"""Figures for papers: what a finished run shows, in the widths of journals, with captions that say where it is from."""
