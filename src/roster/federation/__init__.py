"""Identity providers of others: asking them to whom a token belongs.

Only addresses from the settings, or the providers' own documented ones, are ever asked; nothing a caller sends becomes
part of one, and redirects are not followed.
"""
