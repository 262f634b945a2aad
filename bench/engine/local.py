"""The launcher of this machine, as a component."""

from __future__ import annotations

from collections.abc import Iterable

from bench.component import About, Component
from bench.hookspecs import hookimpl
from bench.launcher import Launcher, Site


def build(site: Site, /) -> Launcher:
    """One warm worker process for each environment."""
    from bench.engine.launchers import LocalLauncher

    return LocalLauncher([dict(environment) for environment in site.environments], site.listener)


@hookimpl
def bench_launchers() -> Iterable[Component[Launcher]]:
    """Offer it."""
    yield Component("local", build, about=About("warm worker processes on the devices of this machine"))
