"""Creates a user as an operator does: `add_user.py URL NAME PASSWORD`."""

import json
import sys
import urllib.request

url, name, password = sys.argv[1:]
body = json.dumps({"username": name, "password": password}).encode()
with urllib.request.urlopen(urllib.request.Request(f"{url}/api/users/register", body)):
    pass
