"""How a suite file becomes a suite, behind one door: ``load_suite`` of :mod:`bench.suite.reading.load`."""
