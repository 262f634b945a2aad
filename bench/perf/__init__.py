"""What this machine takes for a piece of work: latency beside a reference load, and each stage beside its limit."""
