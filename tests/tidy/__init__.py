"""Style as tests: what the code looks like, and that its parts agree about themselves."""
