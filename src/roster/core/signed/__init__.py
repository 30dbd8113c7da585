"""Requests that their sender signs one by one (Hawk): whose key it is, and that nothing is taken twice."""
