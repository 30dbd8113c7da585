"""Between the core's models and the wire; pure. A secret never enters a wire struct. One module for each of wire's."""
