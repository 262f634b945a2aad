"""Which components a word on the command line means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from bench.catalog import Offer, Quarantined, load_catalog
from bench.errors import PluginError
from bench.words import plural


@dataclass(frozen=True, slots=True)
class Named:
    """The components that a name stands for, and those of its plugins that could not be loaded."""

    offers: tuple[Offer, ...]
    quarantined: tuple[Quarantined, ...]


def named(text: str) -> Named:
    """What ``text`` names: a component (``package:name`` too), a distribution, one of its modules, or a ``.py`` file.

    Raises:
        PluginError: nothing is called so, or the file is missing.
    """
    if text.endswith(".py"):
        return _of_file(Path(text))
    catalog = load_catalog()
    package, _, plain = text.rpartition(":")
    offers = [o for o in catalog.all if o.component.name == plain and package in ("", o.provider.package)]
    offers += [o for o in catalog.all if o not in offers and _is(text, o.provider.package, o.provider.module)]
    lost = [q for q in catalog.quarantined if _is(text, q.package, q.module)]
    if not offers and not lost:
        names = {name for o in catalog.all for name in (o.component.name, o.provider.package)}
        close = get_close_matches(text, sorted(names), 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        left_out = f" {plural(len(catalog.quarantined), 'plugin')} failed to load." if catalog.quarantined else ""
        raise PluginError(
            f"no component and no distribution is called {text!r}.{hint} 'bench plugins' shows all; "
            f"a file must end in .py.{left_out}"
        )
    return Named(tuple(offers), tuple(lost))


def _of_file(path: Path) -> Named:
    """What a local plugin file offers, as with ``--plugin``."""
    catalog, here = load_catalog([path]), path.resolve()
    return Named(
        tuple(offer for offer in catalog.all if offer.provider.local == here),
        tuple(lost for lost in catalog.quarantined if lost.package == str(here)),
    )


def _is(text: str, package: str, module: str) -> bool:
    """Whether a word names a distribution, however it is spelt, or a module or the package it lies in."""
    return _plain(text) == _plain(package) or text in _parents(module)


def _plain(package: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", package).lower()


def _parents(module: str) -> Iterator[str]:
    while module:
        yield module
        module = module.rpartition(".")[0]
