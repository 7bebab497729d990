"""The HTTP server's endpoints: webhooks for Git hosts, the API for people and scripts, health probes."""
