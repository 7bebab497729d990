"""What is spoken over HTTP: hooks for Git hosts, the API for people and scripts, health for machines."""
