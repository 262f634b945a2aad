"""The one door for plugin authors: everything a plugin may import from ``bench``."""

from bench.component import About, Component
from bench.errors import BenchError, DataError, PluginError, SettingsError
from bench.hookspecs import hookimpl
from bench.images import read_image, read_mask, write_png
from bench.types import (
    IGNORED,
    SPLITS,
    Bool,
    CropStrategy,
    Dataset,
    Entry,
    Float32,
    Float64,
    Image,
    ImageMetric,
    Index,
    Mask,
    Part,
    PixelMetric,
    Prediction,
    Record,
    Sample,
    Split,
    Task,
)

__all__ = [
    "IGNORED",
    "SPLITS",
    "About",
    "BenchError",
    "Bool",
    "Component",
    "CropStrategy",
    "DataError",
    "Dataset",
    "Entry",
    "Float32",
    "Float64",
    "Image",
    "ImageMetric",
    "Index",
    "Mask",
    "Part",
    "PixelMetric",
    "PluginError",
    "Prediction",
    "Record",
    "Sample",
    "SettingsError",
    "Split",
    "Task",
    "hookimpl",
    "read_image",
    "read_mask",
    "write_png",
]
