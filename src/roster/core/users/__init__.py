"""People: finding, creating, changing, disabling, deleting, restoring and erasing them."""
