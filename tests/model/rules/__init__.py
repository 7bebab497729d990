"""What can happen, by who does it; `tests.model.test_promises` lets all of it happen at random."""
