"""People: finding, creating, changing, disabling, deleting, restoring and erasing them.

| | |
|---|---|
| `service`, `removal` | use cases over one person; deleting many |
| `drafting`, `normal` | from what was said about a person to what is stored; normal forms of names and addresses |
| `search`, `fields`, `held` | finding people; by what is their own; by what they have in other tables |
| `sight`, `narrowing` | how far the actor sees; what of a filter an index can answer |
| `numbers` | people by number, for front doors whose identifiers are integers |
| `meant` | whom a text names, as a part of larger statements |
| `notices` | telling people what somebody else may have changed |
"""
