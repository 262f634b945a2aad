"""``metalpart``: rendered metal parts with known defects, embedded."""
