"""A complete, installable plugin distribution as text, and writing it where nothing is in the way."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from bench.catalog import HOOKS, KINDS, PLURALS, Catalog
from bench.errors import PluginError
from bench.scaffold import texts
from bench.version import __version__

WIDTH = 120
"""Characters of a line at most."""
HOOK_OF: Mapping[str, str] = {kind: hook for hook, kind in HOOKS.items()}
"""Kind to the name of its hook."""
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SPOKEN_FOR = ("false", "none", "null", "true")
"""Words that mean something else where a suite names a component."""
LONGEST = 40
"""Characters of a name: it stands in lines of 120."""


def files_of(name: str, kinds: Sequence[str] = ("dataset",)) -> dict[str, str]:
    """Path inside the distribution to text, for one component of each kind, all called ``name``.

    Raises:
        PluginError: the name is no name of a package, or a kind is unknown or named twice.
    """
    _check_name(name)
    _check_kinds(kinds)
    package, listed = package_of(name), ", ".join(kinds)
    entries = [f'"{package}.{kind}" = "{package}.{kind}"' for kind in kinds]
    made = texts.EXAMPLE.format(package=package) if "dataset" in kinds else ""
    try_out = f"\nTry it in a suite:\n\n```\n{made}bench run {name}.yaml\n```\n"
    rows = [f"| `src/{package}/{kind}.py` | the {kind} `{name}` |" for kind in kinds]
    ordered = sorted(kinds)
    offered = [f'    *(("{kind}", component) for component in {kind}.{HOOK_OF[kind]}()),' for kind in ordered]
    found = {
        "pyproject.toml": texts.PROJECT.format(
            name=name, package=package, kinds=listed, version=__version__, entries="\n".join(entries)
        ),
        "README.md": texts.README.format(
            name=name, package=package, kinds=listed, first=kinds[0], files="\n".join(rows), try_out=try_out
        ),
        f"{name}.yaml": texts.suite(name, kinds),
        f"src/{package}/__init__.py": f'"""Plugin ``{name}`` for the benchmark suite ``bench``."""\n',
        f"src/{package}/py.typed": "",
        **{f"src/{package}/{kind}.py": _plugin(name, kind) for kind in kinds},
        "tests/test_contract.py": texts.CONTRACT.format(
            imported=_imported(package, ordered), offered="\n".join(offered)
        ),
    }
    if "dataset" in kinds:
        found["tests/test_dataset.py"] = texts.DATASET.format(package=package)
    return found


def _imported(package: str, modules: Sequence[str]) -> str:
    """The line that imports modules, or lines where it would be too long."""
    line = f"from {package} import {', '.join(modules)}"
    if len(line) <= WIDTH:
        return line
    listed = "".join(f"    {module},\n" for module in modules)
    return f"from {package} import (\n{listed})"


def write_distribution(name: str, folder: Path, kinds: Sequence[str], catalog: Catalog) -> Path:
    """Write ``files_of(name, kinds)`` into a new folder ``folder/name`` and return it; nothing is overwritten.

    Raises:
        PluginError: as :func:`files_of`; or the name is taken by a folder, a component, or something importable.
    """
    written = files_of(name, kinds)
    home = folder / name
    if home.exists() or home.is_symlink():
        raise PluginError(
            f"{home} exists already and is left as it is; choose another name or another folder (--to DIR)"
        )
    _check_free(name, kinds, catalog)
    home.mkdir(parents=True)
    for path, text in written.items():
        file = home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return home


def package_of(name: str) -> str:
    """The import name of a distribution."""
    return name.replace("-", "_")


def _plugin(name: str, kind: str) -> str:
    """The plugin module of a kind under its own name."""
    text = files("bench.scaffold.templates").joinpath(f"{kind}.py").read_text(encoding="utf-8")
    return text.replace('NAME = "my-plugin"', f'NAME = "{name}"')


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")
        hint = f" Did you mean {plain!r}?" if NAME.fullmatch(plain) else ""
        raise PluginError(
            f"a plugin cannot be called {name!r}: lower-case words of letters and digits joined by '-', "
            f"the first character a letter.{hint}"
        )
    if len(name) > LONGEST:
        raise PluginError(f"the name {name!r} has {len(name)} characters; at most {LONGEST} are allowed")
    if keyword.iskeyword(package_of(name)) or package_of(name) in sys.stdlib_module_names or name in SPOKEN_FOR:
        raise PluginError(f"a plugin cannot be called {name!r}: Python or YAML has that word; choose another name")


def _check_kinds(kinds: Collection[str]) -> None:
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds or len(set(kinds)) < len(kinds):
        raise PluginError(
            f"a plugin offers one or more of {', '.join(KINDS)}, each once; not {', '.join(kinds) or None}"
        )


def _check_free(name: str, kinds: Sequence[str], catalog: Catalog) -> None:
    """Refuse a name under which the new package could not be told from another."""
    for kind in kinds:
        takers = [offer.provider.package for offer in catalog.offers(kind) if offer.component.name == name]
        if takers:
            raise PluginError(
                f"the {kind} {name!r} is offered already, by {takers[0]}; choose another name "
                f"('bench list {PLURALS[kind]}' shows those taken)"
            )
    if find_spec(package_of(name)) is not None or _installed(name):
        raise PluginError(f"a package called {package_of(name)!r} is installed here already; choose another name")


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
