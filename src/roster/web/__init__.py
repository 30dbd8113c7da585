"""From HTTP to an operation and back: table, router, binding, dialects, mounts, documents."""
