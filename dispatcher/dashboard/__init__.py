"""The dashboard: pages for people, rendered on the server, and live by server-sent events."""
