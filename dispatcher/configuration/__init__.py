"""How the configuration is read. `dispatcher.config` is the door; nobody else imports from here."""
