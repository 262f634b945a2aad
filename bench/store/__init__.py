"""Where things lie, and the shared stages that are written whole or not at all."""

from bench.machine import refuse_windows

refuse_windows()  # what follows imports modules that Windows lacks
