"""Stage graph, store, worker, scheduler: the way from cells to records."""

from bench.machine import refuse_windows

refuse_windows()  # what follows imports modules that Windows lacks
