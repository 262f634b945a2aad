"""Who is next: plan, needs, scheduler, launchers, worker."""

from bench.machine import refuse_windows

refuse_windows()  # what follows imports modules that Windows lacks
