"""Settings. Runs with no configuration; the environment overrides everything (README, "Settings")."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import dj_database_url

from orchestrator.keyfiles import new_encryption_key, new_secret_key, read_or_make
from orchestrator.mailing import mail_server

BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name: str, default: str = "0") -> bool:
    return os.environ.get(name, default).strip().lower() in {"1", "true", "yes", "on"}


def _words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def _with_timeouts(redis_url: str) -> str:
    """The address of a Redis that is not waited for longer than a few seconds; its own say goes before."""
    address, _, query = redis_url.partition("?")
    given = {"socket_connect_timeout": "2", "socket_timeout": "5"} | dict(parse_qsl(query))
    return f"{address}?{urlencode(given)}" if redis_url else ""


DATA_DIR = Path(os.environ.get("BATON_DATA_DIR") or BASE_DIR / "var").resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
DEBUG = _flag("BATON_DEBUG")
REDIS_URL = os.environ.get("REDIS_URL", "")

SECRET_KEY = os.environ.get("BATON_SECRET_KEY") or read_or_make(
    DATA_DIR / "keys" / "secret_key", new_secret_key
)
ENCRYPTION_KEYS = (
    _words("BATON_ENCRYPTION_KEYS")
    or read_or_make(DATA_DIR / "keys" / "encryption_keys", new_encryption_key).split()
)

ALLOWED_HOSTS = _words("BATON_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = _words("BATON_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "daphne",
    "orchestrator.web.admin_site.BatonAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "django_q",
    "csp",
    "orchestrator",
    "editor",
    "monitoring",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "orchestrator.web.middleware.SetupMiddleware",
    "orchestrator.web.middleware.SignInRequiredMiddleware",
]

ROOT_URLCONF = "orchestrator.urls"
ASGI_APPLICATION = "orchestrator.asgi.application"
WSGI_APPLICATION = "orchestrator.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "orchestrator.web.context.frame",
            ],
        },
    }
]

_SQLITE_OPTIONS = {
    "timeout": 20,
    # A deferred transaction that starts to write ignores the busy timeout; an immediate one waits its turn.
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;PRAGMA cache_size=-16000;PRAGMA wal_autocheckpoint=4000;",
}
DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'baton.sqlite3'}",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
# A server that is gone without a word is noticed within seconds, not after the system's two hours.
_POSTGRESQL_OPTIONS = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 5,
    "tcp_user_timeout": 15_000,
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"].setdefault("OPTIONS", {}).update(_SQLITE_OPTIONS)
elif DATABASES["default"]["ENGINE"].endswith("postgresql"):
    DATABASES["default"]["OPTIONS"] = _POSTGRESQL_OPTIONS | DATABASES["default"].get("OPTIONS", {})

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": _with_timeouts(REDIS_URL),
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

# django-q2 carries wake-ups, never truth: a message lost or delivered twice costs a clock tick at most. The engine
# retries tasks itself, so the broker must not.
Q_CLUSTER = {
    "name": "baton",
    "label": "Wake-ups",
    "workers": int(os.environ.get("BATON_WORKERS", "2")),
    "queue_limit": 1,
    "bulk": 1,
    "poll": 0.02,
    "timeout": 86_400,  # the engine has its own timeouts
    "retry": 90_000,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "recycle": 500,
    "max_rss": 400_000,
    "catch_up": False,
    "scheduler": False,
    "log_level": "WARNING",
    "guard_cycle": 1,
    **({"redis": _with_timeouts(REDIS_URL)} if REDIS_URL else {"orm": "default"}),
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = os.environ.get("BATON_TIME_ZONE", "UTC")
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "orchestrator.web.static.HashedStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _flag("BATON_HTTPS")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _flag("BATON_HTTPS") else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024 + 4096
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
FILE_UPLOAD_HANDLERS = [
    "orchestrator.web.uploads.CappedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["orchestrator.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["orchestrator.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "orchestrator.api.errors.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Baton",
    "DESCRIPTION": "Workflows, runs and their events.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "ENUM_NAME_OVERRIDES": {
        "RunStatus": "orchestrator.planning.machine.RunStatus.choices",
        "AgentKind": "orchestrator.models.Agent.Kind",
        "AgentState": "orchestrator.models.Agent.State",
        "ApprovalStatus": "orchestrator.models.Approval.Status",
        "LevelStatus": "orchestrator.planning.levels.STATUSES",
    },
}

EMAIL_URL = os.environ.get("BATON_EMAIL_URL", "")
_MAIL_SERVER = mail_server(EMAIL_URL)
EMAIL_HOST, EMAIL_PORT = _MAIL_SERVER.host or "localhost", _MAIL_SERVER.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL_SERVER.user, _MAIL_SERVER.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL_SERVER.tls, _MAIL_SERVER.ssl
EMAIL_TIMEOUT = 15
EMAIL_USE_LOCALTIME = False
# Without a server a line of the log says what would have been sent.
EMAIL_BACKEND = os.environ.get("BATON_EMAIL_BACKEND") or (
    "django.core.mail.backends.smtp.EmailBackend" if EMAIL_URL else "orchestrator.notices.log.EmailBackend"
)
DEFAULT_FROM_EMAIL = os.environ.get("BATON_EMAIL_FROM", "Baton <baton@localhost>")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"database_away": {"()": "orchestrator.logs.WithoutTraceWhileAway"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("BATON_LOG_LEVEL", "WARNING")},
    "loggers": {
        "django.request": {"filters": ["database_away"]},
        "orchestrator": {"level": os.environ.get("BATON_LOG_LEVEL", "INFO")},
    },
}

# Baton's own settings, read through orchestrator.conf.
BATON = {
    "BASE_URL": os.environ.get("BATON_BASE_URL")
    or next(iter(CSRF_TRUSTED_ORIGINS), f"http://localhost:{os.environ.get('BATON_PORT', '8000')}"),
    "DEMO": _flag("BATON_DEMO"),
    "DEMO_SECONDS": float(os.environ.get("BATON_DEMO_SECONDS", "1.5")),
    "AGENTS": {
        "system": "orchestrator.agents.builtin.system",
        "demo": "orchestrator.agents.builtin.demo",
    },
    "WORKSPACE": Path(os.environ.get("BATON_WORKSPACE") or DATA_DIR / "workspace"),
    "POSTBOX": Path(os.environ.get("BATON_POSTBOX") or DATA_DIR / "postbox"),
    "FILES": Path(os.environ.get("BATON_FILES") or DATA_DIR / "files"),
    "FILE_MAX_BYTES": int(os.environ.get("BATON_FILE_MAX_BYTES", str(10 * 1024 * 1024))),
    "API_ALLOWED_HOSTS": _words("BATON_API_ALLOWED_HOSTS"),
    "API_MAX_BYTES": int(os.environ.get("BATON_API_MAX_BYTES", str(1024 * 1024))),
    "BUSINESS_HOURS": os.environ.get("BATON_BUSINESS_HOURS") or "mon-fri 09:00-17:00 UTC",
    "LEASE_SECONDS": float(os.environ.get("BATON_LEASE_SECONDS", "60")),
    "TICK_SECONDS": float(os.environ.get("BATON_TICK_SECONDS", "1")),
    "THREADS": int(os.environ.get("BATON_THREADS", "16")),
    "LINGER_SECONDS": float(os.environ.get("BATON_LINGER_SECONDS", "0.2")),
}
