"""Rules of hypothesis.stateful, by who acts; `tests.model.test_promises` draws from all of them."""
