"""The bench: ratios against the least that could do the same work, measured side by side in one run.

    make bench             1,000,000 people, about twenty minutes
    make bench QUICK=1     100,000 people, under two minutes

    python -m bench.footprint DIR   bytes for each person, bytes of log for each kind of work (docs/scale.md)
    python -m bench.scale           what other numbers of people take, calculated from the measured ones

Everything listens on loopback and works in a temporary folder. Nothing here belongs to the test suite.
"""
