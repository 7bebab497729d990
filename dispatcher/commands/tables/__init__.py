"""The API's responses, and the configuration, as tables and pages for people."""
