"""What can happen, by who does it; `tests.workers.test_promises` lets all of it happen at random."""
