"""Studies of the product itself; not part of the wheel."""
