"""Webhooks: authenticates and parses what Git hosts send. Headers and bytes in, pushes out, no I/O.

`receiving` is the entry point; `registry` lists the providers, one module each, which share the rest.
"""
