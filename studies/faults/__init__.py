"""What becomes of runs when machines, disks and files misbehave; not part of the wheel."""
