"""Durable records above the port of rows: each rule once, for every platform."""
