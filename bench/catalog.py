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
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

import pluggy

from bench import hookspecs
from bench.canonical import digest_file
from bench.component import CONTEXT, Component, context_arguments, settings_of
from bench.errors import PluginError, named_line
from bench.home import resolved
from bench.jobs import Plugins
from bench.trials import why_refused
from bench.words import did_you_mean, plural

GROUP = "bench"
OURS = "defectbench"
"""The distribution whose plugins are built in."""

HOOKS = {
    "bench_datasets": "dataset",
    "bench_preprocess": "preprocess",
    "bench_crops": "crop",
    "bench_augment": "augment",
    "bench_models": "model",
    "bench_losses": "loss",
    "bench_metrics": "metric",
    "bench_launchers": "launcher",
    "bench_observers": "observer",
    "bench_reporters": "reporter",
}
"""Hook name to kind of component, in the order of a cell's life."""

KINDS = tuple(HOOKS.values())

PLURALS = {kind: hook.removeprefix("bench_") for hook, kind in HOOKS.items()}
"""Kind to the word that ``bench list`` takes."""

CORE = ("bench.train.losses", "bench.score.metrics", "bench.engine.local")
"""Modules of the core that offer components the way a plugin does."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Who offers a component: a distribution, or a local file given with ``--plugin``."""

    package: str
    version: str
    module: str
    source_hash: str
    local: Path | None = None

    @property
    def ours(self) -> bool:
        """Whether it is built in."""
        return self.package == OURS and self.local is None

    @property
    def place(self) -> str:
        """The absolute path of a local file, else the module."""
        return str(self.local) if self.local else self.module


@dataclass(frozen=True, slots=True)
class Source:
    """Something that may offer components, before it is imported; ``ours`` and ``place`` are those of its provider."""

    package: str
    module: str
    place: str
    ours: bool
    load: Callable[[], tuple[ModuleType, Provider]]


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

    Those of third parties are tried first (:mod:`bench.trials`).

    ``plugins=False`` or ``BENCH_DISABLE_PLUGINS=1`` leaves third-party plugins out;
    ``BENCH_DISABLE_PLUGINS=a,b`` leaves out those packages; ``BENCH_STRICT_PLUGINS=1`` refuses to go on
    when a plugin fails.

    Raises:
        PluginError: a plugin failed in strict mode, or a local file is missing.
    """
    disabled = os.environ.get("BENCH_DISABLE_PLUGINS", "")
    third_party = plugins and disabled not in ("1", "all")
    banned = {part.strip() for part in disabled.split(",") if part.strip()}
    sources = [source for source in _installed() if source.ours or (third_party and source.package not in banned)]
    sources += [_local(path) for path in dict.fromkeys(map(resolved, local))]
    refused = {}
    for source in sources:
        why = None if source.ours or _is_loaded(source) else why_refused(source.place)
        if why is not None:
            refused[source] = Quarantined(source.package, source.module, why)
    loaded = _loaded(source for source in sources if source not in refused)
    catalog = Catalog(loaded.all, (*refused.values(), *loaded.quarantined))
    if catalog.quarantined and os.environ.get("BENCH_STRICT_PLUGINS", "") not in ("", "0"):
        raise PluginError("; ".join(f"{q.package} ({q.module}): {q.reason}" for q in catalog.quarantined))
    return catalog


def load_used(plugins: Plugins) -> Catalog:
    """Load the built-in components and these plugins of third parties; of others nothing is imported.

    Raises:
        PluginError: one of them fails, or its source is not what it was.
    """
    wanted = dict(plugins)
    files = [Path(place) for place in wanted if Path(place).is_absolute()]
    catalog = _loaded([*(one for one in _installed() if one.ours or one.place in wanted), *map(_local, files)])
    for place in dict(set(plugins) - set(plugins_of(catalog.all))):
        lost = [one.reason for one in catalog.quarantined if place in (one.package, one.module)]
        why = lost[0] if lost else "the plugin changed while the suite ran; run the suite again"
        raise PluginError(f"{place}: {why}")
    return catalog


def why_unloadable(place: str) -> str | None:
    """Load a plugin of a third party here and now; why that fails, or None."""
    path = Path(place)
    sources = [_local(path)] if path.is_absolute() else [one for one in _installed() if one.place == place]
    lost = _loaded(sources).quarantined
    return next((one.reason for one in lost if place in (one.package, one.module)), None)


def plugins_of(offers: Iterable[Offer]) -> Plugins:
    """The plugins of third parties behind offers."""
    return tuple(sorted({(one.provider.place, one.provider.source_hash) for one in offers if not one.provider.ours}))


def _loaded(sources: Iterable[Source]) -> Catalog:
    """What these sources offer, after the core; one that fails is quarantined."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    offers: list[Offer] = []
    quarantined: list[Quarantined] = []
    for source in (*map(_core, CORE), *sources):
        try:
            module, provider = source.load()
            offers.extend(_offers_of(manager, module, provider))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a plugin raises
            quarantined.append(Quarantined(source.package, source.module, named_line(error)))
    return Catalog(tuple(offers), tuple(quarantined))


def _installed() -> list[Source]:
    """Every installed plugin, the built-in ones among them."""
    found = sorted(_entries(), key=lambda found: (found[2].value, found[2].name))
    return [
        Source(package, entry.value, entry.value, package == OURS, partial(_load_installed, entry, package, version))
        for package, version, entry in found
    ]


def _local(path: Path) -> Source:
    """A plugin file.

    Raises:
        PluginError: it is missing.
    """
    if not path.is_file():
        raise PluginError(f"{path}: the plugin file is missing")
    return Source(str(path), path.name, str(path), False, partial(_load_local, path))


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


def _core(name: str) -> Source:
    return Source(OURS, name, name, True, partial(_load_core, name))


def _load_core(name: str) -> tuple[ModuleType, Provider]:
    module = importlib.import_module(name)
    return module, core_provider(module)


def core_provider(module: ModuleType) -> Provider:
    """Who offers what a module of the core does."""
    from bench.version import __version__

    return Provider(OURS, __version__, module.__name__, _hash_of(module))


def _load_installed(entry: EntryPoint, package: str, version: str) -> tuple[ModuleType, Provider]:
    module = entry.load()
    if not isinstance(module, ModuleType):
        raise PluginError(f"the entry point must name a module, not {type(module).__name__}")
    return module, Provider(package, version, entry.value, _hash_of(module))


def _is_loaded(source: Source) -> bool:
    """Whether a plugin is loaded in this process, so that it is too late to try it."""
    path = Path(source.place)
    if not path.is_absolute():
        return source.module.partition(":")[0] in sys.modules
    with suppress(OSError):
        return _name_of(path, digest_file(path)) in sys.modules
    return False


def _name_of(path: Path, source_hash: str) -> str:
    """A module name made from the content of a file, so that two files of one name can live together."""
    return f"bench_local_{path.stem.replace('-', '_')}_{source_hash[:12]}"


class FromSource(SourceFileLoader):
    """Compiles a plugin file as its digest is made, from its source: bytecode may be of what it was, or damaged."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of the file as it is now."""
        path = self.get_filename(fullname)
        code: CodeType = compile(self.get_data(path), path, "exec", dont_inherit=True)
        return code


def _load_local(path: Path) -> tuple[ModuleType, Provider]:
    source_hash = digest_file(path)
    name = _name_of(path, source_hash)
    provider = Provider(path.stem, source_hash[:12], name, source_hash, path.resolve())
    if name in sys.modules:
        return sys.modules[name], provider
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or not isinstance(spec.loader, SourceFileLoader):
        raise PluginError(f"{path}: not a Python file")
    spec.loader = FromSource(name, str(path))
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
    named = isinstance(component.name, str) and component.name and component.name.isprintable()
    if not named or not isinstance(component.version, int):
        raise PluginError(f"a {kind} needs a printable name and a version (whole number), not {component.name!r}")
    if context_arguments(component) != CONTEXT[kind]:
        raise PluginError(
            f"the builder of {kind} {component.name!r} must take {plural(CONTEXT[kind], 'positional-only argument')} "
            f"before '/', it takes {context_arguments(component)}"
        )
    settings_of(component)
    return component
