"""What to do next about a target, in parts: `workers.plan` puts them in order. Purely computational."""
