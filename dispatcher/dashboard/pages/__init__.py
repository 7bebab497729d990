"""The pages of the dashboard, a module a noun. They only read."""
