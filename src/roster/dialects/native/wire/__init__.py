"""What goes over the wire: requests (they list all that a caller may set) and answers (no secret has a place in them).

One module for each area. Times are texts in RFC 3339 with milliseconds. A member that may be missing is `UNSET` here.
"""
