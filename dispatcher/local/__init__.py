"""All parts on one machine: for trying out, development and tests. Nothing here is used in production."""
