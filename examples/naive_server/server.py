"""A small chat server: clients send messages, and poll for new ones.

MongoDB has the users and an archive of all messages. Redis has each user's inbox, which polls read.
"""

import json
import os
import re
import time
import uuid

import jwt
import pymongo
from flask import Flask, abort, jsonify, request
from pymongo.errors import DuplicateKeyError
from redis import Redis
from werkzeug.exceptions import HTTPException
from werkzeug.security import check_password_hash, generate_password_hash

PAGE = 50
SECRET = os.environ["SECRET_KEY"]
app = Flask(__name__)
cache = Redis.from_url(os.environ["REDIS_URL"])
db = pymongo.MongoClient(os.environ["MONGODB_URL"], serverSelectionTimeoutMS=1000)[os.environ["DATABASE"]]


@app.errorhandler(HTTPException)
def refused(error):
    return jsonify(detail=error.description), error.code


def field(name, longest, required=True):
    body = request.get_json()
    value = body.get(name) if isinstance(body, dict) else None
    if value is None and not required:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        abort(400, f"{name} must be a string of 1 to {longest} characters")
    return value


def signed_in():
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        return jwt.decode(token if kind == "Bearer" else "", SECRET, algorithms=["HS256"])["sub"]
    except jwt.InvalidTokenError:
        abort(401, "sign in first")


@app.get("/health/live")
def live():
    return jsonify(ok=True)


@app.post("/register")
def register():
    name, password = field("username", 64), field("password", 200)
    if not re.fullmatch(r"[\w.+@-]{3,64}", name):
        abort(400, "username must have 3 to 64 letters, digits or . + @ -")
    try:
        db.users.insert_one({"_id": name, "password": generate_password_hash(password)})
    except DuplicateKeyError:
        abort(409, "this name is taken")
    return jsonify(username=name), 201


@app.post("/login")
def login():
    name, password = field("username", 64), field("password", 200)
    user = db.users.find_one({"_id": name})
    if not user or not check_password_hash(user["password"], password):
        abort(401, "wrong name or password")
    token = jwt.encode({"sub": name, "exp": int(time.time()) + 86400}, SECRET, algorithm="HS256")
    return jsonify(access_token=token)


def earlier(sender, client_id):
    """Return the message that was sent with this client_id: sending it again is a retry."""
    return client_id and db.messages.find_one({"from": sender, "client_id": client_id})


def store(message):
    cache.rpush(f"inbox:{message['to']}", json.dumps(message))
    db.messages.insert_one(message)
    return message


@app.post("/messages")
def send():
    sender, to, text = signed_in(), field("to", 64), field("text", 1000)
    client_id = field("client_id", 64, required=False)
    if not db.users.find_one({"_id": to}):
        abort(404, "there is no such user")
    message = {"_id": uuid.uuid4().hex, "from": sender, "to": to, "text": text}
    message |= {"client_id": client_id, "sent_at": int(time.time())}
    stored = earlier(sender, client_id) or store(message)
    if stored["text"] != text:
        abort(400, "this client_id was used for another message")
    return jsonify(stored), 201


@app.get("/messages/<name>")
def poll(name):
    signed_in()
    after = request.args.get("after", 0, type=int)
    inbox = [json.loads(entry) for entry in cache.lrange(f"inbox:{name}", 0, -1)]
    new = [message for message in inbox if message["sent_at"] > after]
    return jsonify(messages=new[-PAGE:][::-1])  # the newest first
