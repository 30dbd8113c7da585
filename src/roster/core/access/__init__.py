"""Who may do what: roles, their assignments to people, the places they are limited to, and permission lists.

| | |
|---|---|
| `service` | the face to other features, and administering roles |
| `deciding`, `reach` | whether the actor may; and over whom, where a permission is held in some places only |
| `grants`, `contexts`, `grouped` | what a person's roles give now; limits by kind; what is in the groups they name |
| `vocabulary` | permission keys and built-in roles of front doors, and what they mean here |
| `assigning`, `effective` | giving roles and taking them; what somebody's roles give, and why |
| `lists`, `objects`, `listed` | permission lists: their rule, the stored ones, all that one actor may see by them |
| `org_roles`, `within` | roles of organisations, and who has them |
| `search`, `summaries`, `numbers` | finding roles; those of many people at a glance; roles by number |
| `removal`, `deletion` | deleting many roles; what the trail keeps of one that is deleted |
| `bulk`, `recent`, `naming` | parts of imports; what takes a recent sign-in; what a role may be called |
"""
