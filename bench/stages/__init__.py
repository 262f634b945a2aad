"""What happens to one cell: the graph of its stages, and one job after the other until its record is filed."""
