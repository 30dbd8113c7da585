"""What is asked of all of them."""

from bench.peers.peer import Task

SIGN_IN = Task(name="sign-in", title="sign in with a password", count=80, warm=240)
REFRESH = Task(name="refresh", title="refresh, the old token being spent", count=400, warm=2_000)
CHECK = Task(name="check", title="session check: who am I", count=1_000, warm=4_000)
INTROSPECT = Task(name="introspect", title="token introspection", count=1_000, warm=4_000)
GET = Task(name="get", title="GET one user", count=1_000, warm=4_000)
LIST = Task(name="list", title="list page of 25", count=400, warm=2_000)
SEARCH = Task(name="search", title="search by a part of a name, 25", count=240, warm=1_000)
CREATE = Task(name="create", title="create a user", count=400, warm=1_600)
CHANGE = Task(name="change", title="change a user", count=400, warm=1_600)

TASKS = (SIGN_IN, REFRESH, CHECK, INTROSPECT, GET, LIST, SEARCH, CREATE, CHANGE)
