"""The suites that ship with the product."""
