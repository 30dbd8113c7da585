"""Mail that programs write: templates of their own, and mails of one kind of which many become few."""
