"""The site's settings for tests: a data folder of this run, which the processes it starts share. Of what the shell or
.env sets for the real site, nothing reaches a test, except DATABASE_URL: whoever calls may choose the database."""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[1] / ".env.example"

if os.environ.get("THROUGHLINE_TESTS") != "1":  # the process that begins; those that it starts keep what it gives them
    os.environ["THROUGHLINE_TESTS"] = "1"
    for name in re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE.read_text(), re.MULTILINE):
        if name != "DATABASE_URL":
            os.environ.pop(name, None)
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="throughline-test-")
    atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)

for name, value in {
    "ENV_FILE": "",
    "SECRET_KEY": "only-for-tests-" + "x" * 50,
    "DEBUG": "false",
    "HTTPS": "false",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "PROCESS_NAME": "test",
    "LOG_FORMAT": "line",
    "DEFAULT_MODE": "quick",
    "STAGES_WITH_ONE_MODEL": "true",  # tests of stages have one demo model
    "WARM_MODELS": "false",  # tests count requests
    "RESPONSE_CACHE": "false",
    "VLLM_BASE_URL": "http://127.0.0.1:9/v1",  # nobody listens there; tests that need a server start one
}.items():
    os.environ.setdefault(name, value)

from chatsite.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ACCOUNT_RATE_LIMITS = False
if not os.environ.get("HASHED_STATIC"):  # the processes under test serve collected files, unit tests have none
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    # A file, as in production: threads that share SQLite's memory get "table is locked" where a file makes them wait.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}  # noqa: F405
