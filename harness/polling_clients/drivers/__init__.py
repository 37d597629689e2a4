"""What runs a client under test: a page in Chromium, or a program."""
