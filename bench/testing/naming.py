"""Which components a word on the command line means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench.catalog import Offer, Quarantined, load_catalog
from bench.errors import PluginError
from bench.words import did_you_mean, plural


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
    if text.endswith(".py"):  # as with --plugin
        catalog, here = load_catalog([Path(text)]), Path(text).resolve()
        offers = [offer for offer in catalog.all if offer.provider.local == here]
        return Named(tuple(offers), tuple(lost for lost in catalog.quarantined if lost.package == str(here)))
    catalog = load_catalog()
    package, _, plain = text.rpartition(":")
    offers = [o for o in catalog.all if o.component.name == plain and package in ("", o.provider.package)]
    offers += [o for o in catalog.all if o not in offers and _is(text, o.provider.package, o.provider.module)]
    lost = [q for q in catalog.quarantined if _is(text, q.package, q.module)]
    if not offers and not lost:
        names = chain.from_iterable((o.component.name, o.provider.package) for o in catalog.all)
        hint = did_you_mean(text, sorted({*names}))
        left_out = f" {plural(len(catalog.quarantined), 'plugin')} failed to load." if catalog.quarantined else ""
        raise PluginError(
            f"no component and no distribution is called {text!r}.{hint} 'bench plugins' shows all; "
            f"a file must end in .py.{left_out}"
        )
    return Named(tuple(offers), tuple(lost))


def _is(text: str, package: str, module: str) -> bool:
    """Whether a word names a distribution, as PEP 503 compares names, or a module or a package that it lies in."""
    one, other = (re.sub(r"[-_.]+", "-", name).lower() for name in (text, package))
    return one == other or f"{module}.".startswith(f"{text}.")
