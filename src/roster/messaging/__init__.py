"""Outgoing messages: their texts, their delivery by SMTP, and the mailbox that shows them while none is configured."""
