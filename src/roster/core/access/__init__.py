"""Who may do what: roles, their assignments to people, the places they are limited to, and permission lists."""
