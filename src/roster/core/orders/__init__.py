"""Orders in progress at electronic identifications: who began them, what for, and how they stand."""
