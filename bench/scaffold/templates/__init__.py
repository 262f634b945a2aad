"""One complete plugin per kind of component; ``bench plugins new`` copies its text under another ``NAME``."""
