"""``bench serve``: the page of a run while it runs."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import complete
from bench.cli.options import PATH, Workspace, permitted_option, run_named, workspace_options
from bench.cli.terminal import quiet
from bench.errors import StoreError


@click.command("serve")
@click.argument("run", type=PATH, shell_complete=complete.run_folders)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8017, show_default=True, help="0 takes any that is free."
)
@permitted_option
@workspace_options("--data", "--out")
def command(run: Path, port: int, permitted: tuple[str, ...], workspace: Workspace) -> None:
    """Show the page of RUN on this machine while it runs, with progress; nothing is changed, nobody else can look.

    It goes on after the run has ended, until Ctrl-C.
    """
    from bench.page.live import LOOPBACK, Live, server

    live = Live(run_named(run, workspace.out), workspace.invocation({}), permitted)
    try:
        served = server(live, port)
    except OSError as error:
        raise StoreError(f"port {port}: {error.strerror}; '--port 0' takes any that is free") from None
    click.echo(f"http://{LOOPBACK}:{served.server_port}/ until Ctrl-C")
    with quiet(), served:
        served.serve_forever()
