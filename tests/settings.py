"""Settings of the test suite: a throw-away data directory, the database named by DATABASE_URL or a fresh SQLite."""

from __future__ import annotations

import os
import tempfile

# Processes that share the suite among them share neither files nor a Redis database.
if _worker := os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"):
    os.environ["BATON_DATA_DIR"] = tempfile.mkdtemp(prefix="baton-test-")
    if _redis := os.environ.get("REDIS_URL"):
        _server, _, _number = _redis.rpartition("/")
        os.environ["REDIS_URL"] = f"{_server}/{int(_number) + int(_worker)}"
os.environ.setdefault("BATON_DATA_DIR", tempfile.mkdtemp(prefix="baton-test-"))
os.environ.setdefault("BATON_DEBUG", "1")

from orchestrator.settings import *  # noqa: F403
from orchestrator.settings import BATON as _BATON
from orchestrator.settings import DATA_DIR, DATABASES, Q_CLUSTER, STATIC_ROOT

DEBUG = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
BATON = {
    **_BATON,
    "DEMO": True,
    "DEMO_SECONDS": 0.0,
    "LINGER_SECONDS": 0.0,
    "WORKSPACE": DATA_DIR / "workspace",
    "POSTBOX": DATA_DIR / "postbox",
}
# The process of the tests may grow larger than a worker's.
Q_CLUSTER = {**Q_CLUSTER, "workers": 1, "max_rss": 100_000_000}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Threads and processes of one test share the database, so it is a file.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns of a missing folder, and warnings are errors
