"""Stage graph, store, worker, scheduler: the way from cells to records."""
