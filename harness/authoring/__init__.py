"""Writing the profile of a server: trying it, and drawing it up from what describes the server."""
