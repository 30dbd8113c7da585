"""What happened, told to whoever listens: the outbox and its readers."""
