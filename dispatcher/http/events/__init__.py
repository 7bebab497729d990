"""Events as they happen: one blocked read of Redis for all subscribers of a process."""
