"""The bench: ratios against the least that could do the same work, measured side by side in one run.

    make bench             1,000,000 people, about twenty minutes
    make bench QUICK=1     100,000 people, under two minutes

Everything listens on loopback and works in a temporary folder. Nothing here belongs to the test suite.
"""
