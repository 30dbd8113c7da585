"""What the trail can be filtered and sorted by."""
