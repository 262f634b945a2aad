"""Getting data sets: download, unpack, place, verify."""
