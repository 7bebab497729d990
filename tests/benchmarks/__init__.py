"""Measurements to run by hand: `python -m tests.benchmarks.matching`. They print, and judge nothing.

Each time is also a ratio to a floor that was measured in the same run, so that machines and days compare.
"""
