"""Guarded plugin loading and look-up by name.

Loading is ours, over entry points of group ``bench``, because pluggy's own loader drops a second plugin of
a taken name in silence and lets one raising plugin stop the rest. A plugin that fails in any way is
quarantined whole and listed with its reason; nothing else stops.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pluggy

from bench import hookspecs
from bench.canonical import digest_file
from bench.component import CONTEXT, Component, context_arguments, settings_of
from bench.errors import PluginError, named_line
from bench.words import did_you_mean, plural

GROUP = "bench"

HOOKS = {
    "bench_datasets": "dataset",
    "bench_preprocess": "preprocess",
    "bench_crops": "crop",
    "bench_augment": "augment",
    "bench_models": "model",
    "bench_losses": "loss",
    "bench_metrics": "metric",
}
"""Hook name to kind of component, in the order of a cell's life."""

KINDS = tuple(HOOKS.values())

PLURALS = {kind: hook.removeprefix("bench_") for hook, kind in HOOKS.items()}
"""Kind to the word that ``bench list`` takes."""

CORE = ("bench.train.losses", "bench.score.metrics")
"""Modules of the core that offer components the way a plugin does."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Who offers a component: a distribution, or a local file given with ``--plugin``."""

    package: str
    version: str
    module: str
    source_hash: str
    local: Path | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A component with its kind and provider."""

    kind: str
    component: Component[Any]
    provider: Provider


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A plugin that failed to load, with the reason in one line."""

    package: str
    module: str
    reason: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every offer, and every plugin that could not be loaded."""

    all: tuple[Offer, ...]
    quarantined: tuple[Quarantined, ...] = ()

    def offers(self, kind: str) -> tuple[Offer, ...]:
        """All offers of one kind, by name."""
        offers = [offer for offer in self.all if offer.kind == kind]
        return tuple(sorted(offers, key=lambda offer: offer.component.name))

    def names(self, kind: str) -> tuple[str, ...]:
        """The names on offer, each once."""
        return tuple(dict.fromkeys(o.component.name for o in self.offers(kind)))

    def find(self, kind: str, name: str) -> Offer:
        """Look a component up by ``name`` or ``package:name``.

        Raises:
            PluginError: nobody offers it, or two packages do and none was picked.
        """
        package, _, plain = name.rpartition(":")
        named = [offer for offer in self.all if offer.kind == kind and offer.component.name == plain]
        found = [offer for offer in named if package in ("", offer.provider.package)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise PluginError(self._unknown(kind, name))
        packages = ", ".join(f"'{offer.provider.package}:{plain}'" for offer in found)
        raise PluginError(f"the {kind} {plain!r} is offered more than once; pick one of {packages}")

    def _unknown(self, kind: str, name: str) -> str:
        hint = did_you_mean(name, self.names(kind))
        lost = ""
        if self.quarantined:
            lost = f" {plural(len(self.quarantined), 'plugin')} failed to load: see 'bench plugins'."
        article = "an" if kind[0] in "aeiou" else "a"
        return f"no plugin offers {article} {kind} called {name!r}.{hint} 'bench list {PLURALS[kind]}' shows all.{lost}"


def load_catalog(local: Sequence[Path] = (), *, plugins: bool = True) -> Catalog:
    """Load the built-in components, every installed plugin, and local plugin files.

    ``plugins=False`` or ``BENCH_DISABLE_PLUGINS=1`` leaves third-party plugins out;
    ``BENCH_DISABLE_PLUGINS=a,b`` leaves out those packages; ``BENCH_STRICT_PLUGINS=1`` refuses to go on
    when a plugin fails.

    Raises:
        PluginError: a plugin failed in strict mode, or a local file is missing.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    offers: list[Offer] = []
    quarantined: list[Quarantined] = []
    for package, module_name, load in _sources(local, plugins):
        try:
            module, provider = load()
            offers.extend(_offers_of(manager, module, provider))
        except (Exception, SystemExit) as error:
            quarantined.append(Quarantined(package, module_name, named_line(error)))
    if quarantined and os.environ.get("BENCH_STRICT_PLUGINS", "") not in ("", "0"):
        raise PluginError("; ".join(f"{q.package} ({q.module}): {q.reason}" for q in quarantined))
    return Catalog(tuple(offers), tuple(quarantined))


def _sources(
    local: Sequence[Path], plugins: bool
) -> Iterable[tuple[str, str, Callable[[], tuple[ModuleType, Provider]]]]:
    """(package, module name, loader) of everything that may offer components."""
    for name in CORE:
        yield "defectbench", name, partial(_core, name)
    disabled = os.environ.get("BENCH_DISABLE_PLUGINS", "")
    third_party = plugins and disabled not in ("1", "all")
    banned = {part.strip() for part in disabled.split(",") if part.strip()}
    for package, version, entry in sorted(_entries(), key=lambda found: (found[2].value, found[2].name)):
        if package == "defectbench" or (third_party and package not in banned):
            yield package, entry.value, partial(_installed, entry, package, version)
    for path in dict.fromkeys(path.resolve() for path in local):
        if not path.is_file():
            raise PluginError(f"{path}: the plugin file is missing")
        yield str(path), path.name, partial(_local, path)


def _entries() -> Iterator[tuple[str, str, EntryPoint]]:
    """Package, its version and entry point of every installed plugin; a package that is found twice counts once.

    Its metadata are read once: a long description takes longer to parse than a plugin to import.
    """
    seen: set[str] = set()
    for distribution in distributions():
        entries = distribution.entry_points.select(group=GROUP)
        if not entries:
            continue
        told = distribution.metadata
        package, version = (told[key] if key in told else "unknown" for key in ("Name", "Version"))  # noqa: SIM401
        if package not in seen:
            yield from ((package, version, entry) for entry in dict.fromkeys(entries))
        seen.add(package)


def _core(name: str) -> tuple[ModuleType, Provider]:
    module = importlib.import_module(name)
    return module, core_provider(module)


def core_provider(module: ModuleType) -> Provider:
    """Who offers what a module of the core does."""
    from bench.version import __version__

    return Provider("defectbench", __version__, module.__name__, _hash_of(module))


def _installed(entry: EntryPoint, package: str, version: str) -> tuple[ModuleType, Provider]:
    module = entry.load()
    if not isinstance(module, ModuleType):
        raise PluginError(f"the entry point must name a module, not {type(module).__name__}")
    return module, Provider(package, version, entry.value, _hash_of(module))


def _local(path: Path) -> tuple[ModuleType, Provider]:
    """Load a file under a module name made from its content, so that two files of one name can live together."""
    source_hash = digest_file(path)
    name = f"bench_local_{path.stem.replace('-', '_')}_{source_hash[:12]}"
    provider = Provider(path.stem, source_hash[:12], name, source_hash, path.resolve())
    if name in sys.modules:
        return sys.modules[name], provider
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module, provider


def _hash_of(module: ModuleType) -> str:
    """Digest of the module's source: provenance of a component's code, in no key."""
    file = getattr(module, "__file__", None)
    return digest_file(Path(file)) if file and Path(file).is_file() else ""


def _offers_of(manager: pluggy.PluginManager, module: ModuleType, provider: Provider) -> list[Offer]:
    """Run every hook of one plugin under guard.

    Raises:
        PluginError: a hook of a name nobody knows, something that is no component, or a malformed builder.
    """
    hooks = {
        name: value
        for name, value in vars(module).items()
        if inspect.isroutine(value) and hasattr(value, f"{GROUP}_impl")
    }
    unknown = [name for name in hooks if name not in HOOKS]
    if unknown:
        close = get_close_matches(unknown[0], HOOKS, 1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; known hooks: {', '.join(HOOKS)}"
        raise PluginError(f"unknown hook {unknown[0]!r}{hint}")
    manager.register(SimpleNamespace(**hooks))  # pluggy would look long at whatever else the module holds
    offers = []
    for hook, kind in HOOKS.items():
        if hook in hooks:
            offers += [Offer(kind, _checked(component, kind), provider) for component in hooks[hook]()]
    if not offers:
        raise PluginError(f"offers nothing: it has no function marked @hookimpl named {', '.join(HOOKS)}")
    return offers


def _checked(component: object, kind: str) -> Component[Any]:
    """Refuse what is no component of this kind before a suite can name it."""
    if not isinstance(component, Component):
        raise PluginError(f"a {kind} must be offered as a Component, not {type(component).__name__}")
    if not isinstance(component.name, str) or not component.name or not isinstance(component.version, int):
        raise PluginError(f"a {kind} needs a name (text) and a version (whole number), not {component.name!r}")
    if context_arguments(component) != CONTEXT[kind]:
        raise PluginError(
            f"the builder of {kind} {component.name!r} must take {plural(CONTEXT[kind], 'positional-only argument')} "
            f"before '/', it takes {context_arguments(component)}"
        )
    settings_of(component)
    return component
