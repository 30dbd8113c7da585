"""Applications that people may let act for them: registering them. Letting them act is the flow `consenting`."""
