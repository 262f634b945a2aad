"""The charts of a page as Vega-Lite; their rows come with the page, and change with what a reader chooses."""

from __future__ import annotations

from functools import cache
from typing import Any

Spec = dict[str, Any]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7f7f7f", "#8c564b")
"""Okabe and Ito's without yellow, which vanishes on white; lines differ in dash and points in shape too."""
DASHES = ([1, 0], [6, 3], [9, 3, 2, 3], [12, 4], [4, 1], [2, 2])
"""Of the lines of one colour."""

DASHED: Spec = {"symbolType": "stroke", "symbolSize": 700, "symbolStrokeColor": "#888", "symbolStrokeWidth": 2}
"""The legend of lines that differ in their dashes: long enough to show them."""

CONFIG: Spec = {
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "domainColor": "currentColor",
        "tickColor": "currentColor",
        "gridColor": "#8884",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 220,
    },
    "legend": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "labelLimit": 320,
        "labelFontSize": 12,
        "orient": "bottom",
        "columns": 1,
        "symbolStrokeWidth": 3,
        "symbolStrokeColor": "#888",
        "layout": {"bottom": {"direction": "vertical", "anchor": "start"}},
    },
    "range": {"category": list(COLOURS)},
}

CELL: Spec = {"field": "cell", "type": "nominal", "title": None, "sort": None}
SHARE: Spec = {"scale": {"zero": False}, "type": "quantitative"}


def _spec(description: str, *, height: Any = 240, **parts: Any) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": description,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"name": "rows"},
        "config": CONFIG,
        **parts,
    }


def _tooltip(*fields: tuple[str, str, str]) -> list[Spec]:
    return [{"field": field, "title": title, **({"format": form} if form else {})} for field, title, form in fields]


LEVEL: Spec = {"field": "level", "type": "nominal", "sort": None, "title": None}

EFFECTS = _spec(
    "Mean of every level of an axis over all other axes, with its 95 % interval",
    height={"step": 34},
    layer=[
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {
                "x": {"field": "low", "title": "mean and 95 % interval", **SHARE},
                "x2": {"field": "high"},
                "y": LEVEL,
                "color": {"value": COLOURS[0]},
            },
        },
        {
            "mark": {"type": "point", "filled": True, "size": 90},
            "encoding": {
                "x": {"field": "mean", **SHARE},
                "y": LEVEL,
                "color": {"value": COLOURS[0]},
                "tooltip": _tooltip(("level", "level", ""), ("text", "mean", ""), ("interval", "95 % interval", "")),
            },
        },
        {
            "mark": {"type": "text", "align": "left", "dx": 8, "dy": -9, "fontSize": 12},
            "encoding": {
                "x": {"field": "mean", **SHARE},
                "y": LEVEL,
                "text": {"field": "tie"},
                "color": {"value": "currentColor"},
            },
        },
    ],
)

CURVES = _spec(
    "Scores of the test split over the threshold, and the threshold that validation chose",
    height=320,
    layer=[
        {
            "transform": [{"filter": "datum.curve != 'TH'"}],
            "mark": {"type": "line", "strokeWidth": 2},
            "encoding": {
                "x": {
                    "field": "threshold",
                    "type": "quantitative",
                    "title": "threshold",
                    "scale": {"domain": [0, 1], "nice": False},
                },
                "y": {"field": "score", "type": "quantitative", "title": "score on test", "scale": {"domain": [0, 1]}},
                "color": CELL,
                "strokeDash": {
                    "field": "curve",
                    "type": "nominal",
                    "sort": None,
                    "title": None,
                    "scale": {"range": list(DASHES)},
                    "legend": DASHED,
                },
                "tooltip": _tooltip(
                    ("cell", "cell", ""), ("curve", "curve", ""), ("threshold", "at", ".2f"), ("score", "score", ".3f")
                ),
            },
        },
        {
            "transform": [{"filter": "datum.curve == 'TH'"}],
            "mark": {"type": "rule", "strokeDash": [2, 3], "strokeWidth": 1.5},
            "encoding": {
                "x": {"field": "threshold", "type": "quantitative"},
                "color": CELL,
                "tooltip": _tooltip(("cell", "cell", ""), ("threshold", "TH, chosen on validation", ".3f")),
            },
        },
    ],
)

EPOCHS: Spec = {"tickMinStep": 1, "labelExpr": "datum.value % 1 ? '' : format(datum.value, 'd')"}
"""Whole epochs only, on however short an axis."""

TRAINING = _spec(
    "Validation F1 and losses of every epoch",
    height=160,
    transform=[{"filter": "datum.what == 'validation F1'"}],
    mark={"type": "line", "point": True},
    encoding={
        "x": {"field": "epoch", "type": "quantitative", "axis": EPOCHS, "title": "epoch"},
        "y": {"field": "value", "type": "quantitative", "title": "validation F1", "scale": {"domain": [0, 1]}},
        "color": CELL,
        "tooltip": _tooltip(("cell", "cell", ""), ("epoch", "epoch", ""), ("value", "validation F1", ".3f")),
    },
)

LOSSES = _spec(
    "Losses of every epoch, in training and on validation",
    height=160,
    transform=[{"filter": "datum.what != 'validation F1'"}],
    encoding={
        "x": {"field": "epoch", "type": "quantitative", "axis": EPOCHS, "title": "epoch"},
        "y": {"field": "value", "type": "quantitative", "title": "loss", "scale": {"zero": False}},
        "color": CELL,
        "tooltip": _tooltip(("cell", "cell", ""), ("epoch", "epoch", ""), ("what", "loss", ""), ("value", "", ".3f")),
    },
    layer=[
        {
            "mark": "line",
            "encoding": {
                "strokeDash": {
                    "field": "what",
                    "type": "nominal",
                    "title": None,
                    "scale": {"range": list(DASHES)},
                    "legend": DASHED,
                }
            },
        },
        {"mark": {"type": "point", "filled": True, "size": 30}},
    ],
)

PARTS = _spec(
    "Share of defects found, by their size or type",
    height={"step": 30},
    mark={"type": "point", "filled": True, "size": 90, "opacity": 0.9},
    encoding={
        "y": {"field": "part", "type": "nominal", "sort": None, "title": None},
        "x": {"field": "value", "type": "quantitative", "title": "%", "scale": {"domain": [0, 100]}},
        "color": CELL,
        "shape": CELL,
        "tooltip": _tooltip(("cell", "cells", ""), ("part", "of", ""), ("value", "%", ".1f"), ("range", "seeds", "")),
    },
)

LOG: Spec = {"type": "log", "nice": False, "padding": 20}
POSITION: Spec = {
    "x": {
        "field": "cost",
        "type": "quantitative",
        "title": "cost",
        "scale": {"type": "log", "nice": False, "padding": 20},
    },
    "y": {"field": "score", "title": "F1 on validation, %", **SHARE},
    "fill": {"field": "column", "type": "nominal", "title": None},
    "stroke": {"field": "column", "type": "nominal", "title": None},
    "fillOpacity": {"condition": {"test": "datum.front", "value": 1}, "value": 0},
    "shape": {
        "field": "row",
        "type": "nominal",
        "title": None,
        "sort": None,
        "legend": {"symbolFillColor": "#888"},
    },
    "tooltip": _tooltip(("name", "position", ""), ("score", "F1 on validation, %", ".1f"), ("text", "cost", "")),
}

COST = _spec(
    "Validation F1 against a cost; filled are positions that no other beats at both",
    height=300,
    layer=[
        {
            "transform": [{"filter": "datum.front"}],
            "mark": {"type": "line", "strokeDash": [4, 3], "color": "#888"},
            "encoding": {
                "x": {"field": "cost", "type": "quantitative"},
                "y": {"field": "score", "type": "quantitative"},
                "detail": {"field": "group", "type": "nominal"},
                "order": {"field": "cost", "type": "quantitative"},
            },
        },
        {
            "mark": {"type": "point", "size": 100, "filled": True, "strokeWidth": 2, "opacity": 1},
            "encoding": POSITION,
        },
    ],
)

CHARTS: dict[str, Spec] = {
    "effects": EFFECTS,
    "curves": CURVES,
    "training": TRAINING,
    "losses": LOSSES,
    "parts": PARTS,
    "cost": COST,
}


@cache
def runtime() -> str:
    """The library that draws them, as one script that fetches nothing; it takes seconds to be put together."""
    from vl_convert import javascript_bundle

    script: str = javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script
