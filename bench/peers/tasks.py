"""What is asked of all of them."""

from bench.peers.peer import Task

SIGN_IN = Task(name="sign-in", title="sign in with a password", count=60, warm=180)
REFRESH = Task(name="refresh", title="refresh, the old token being spent", count=400, warm=2_000)
CHECK = Task(name="check", title="session check: who am I", count=800, warm=3_200)
INTROSPECT = Task(name="introspect", title="token introspection", count=800, warm=3_200)
GET = Task(name="get", title="GET one user", count=800, warm=3_200)
LIST = Task(name="list", title="list page of 25", count=400, warm=2_000)
SEARCH = Task(name="search", title="search by a part of a name, 25", count=240, warm=1_000)
CREATE = Task(name="create", title="create a user", count=320, warm=1_200)
CHANGE = Task(name="change", title="change a user", count=240, warm=1_200)

TASKS = (SIGN_IN, REFRESH, CHECK, INTROSPECT, GET, LIST, SEARCH, CREATE, CHANGE)
