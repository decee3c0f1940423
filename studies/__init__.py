"""What takes hours and leaves a committed table."""
