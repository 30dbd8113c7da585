"""The bench with others beside Roster: the same work on the same machine and PostgreSQL, in turns.

    make peers             what docs/peers.md tells, about ten minutes
    make peers QUICK=1     the same with fewer people and rounds, about four

A peer is a module with one class (`peer.Peer`), which gets the product, starts it as its own guide says for production
and knows its requests. Whatever is needed to run it (Java, Maven, Go) must be there; a peer without is left out.
Products are fetched by the ordinary clients of their registries and kept in `bench/out/peers`.
"""
