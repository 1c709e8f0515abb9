"""A second authorization server that Connectory's authors did not write: Django OAuth Toolkit, as Debian packages it
(python3-django-oauth-toolkit), for authorization code, implicit, password, client credentials, refreshing, revocation.

    /usr/bin/python3 django-oauth.py [CONFIGURATION]

CONFIGURATION is JSON as oidc-provider.mjs takes it; the toolkit knows exactly one grant for each client. What is printed,
the addresses /control/… and /api/me, the user ana with correct-horse, and the end with standard input are the same too
(see control.mjs). The database is a file in a temporary folder that goes with the process.

The pages are Django's own sign-in (the administration's) and the toolkit's own consent. Scopes are read and write; a
request without one gets both. Every request asks for consent.

How it differs from oidc-provider, and so what it is here for: it answers response_type=token with plain OAuth; it has the
password grant; it sends no `iss`; it answers an unknown scope with invalid_scope; a rotated refresh token that comes
again is refused and nothing else is revoked; and this version has no discovery without OpenID Connect.
"""

import json
import os
import shutil
import socketserver
import sys
import tempfile
import threading
import time
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.conf import settings

GRANTS = {
    "authorization_code": "authorization-code",
    "implicit": "implicit",
    "password": "password",
    "client_credentials": "client-credentials",
}
SLASHED = {"/o/authorize/": "authorize_url", "/o/token/": "token_url", "/o/revoke_token/": "revocation_url"}


def configure(config, folder):
    """The settings, before anything of Django's is imported that reads them."""
    settings.configure(
        DEBUG=False,
        SECRET_KEY=os.urandom(32).hex(),
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        LOGIN_URL="/admin/login/",
        STATIC_URL="/static/",
        # Sign-in must not take the time that a real site spends on purpose.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": os.path.join(folder, "database"),
                "OPTIONS": {"timeout": 20},
            }
        },
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "django.contrib.staticfiles",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        OAUTH2_PROVIDER={
            "ACCESS_TOKEN_EXPIRE_SECONDS": config.get("access_token_seconds", 3600),
            "REFRESH_TOKEN_EXPIRE_SECONDS": config.get("refresh_token_seconds", 86400),
            "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
            "ROTATE_REFRESH_TOKEN": config.get("rotate", True),
            "PKCE_REQUIRED": config.get("pkce_required", True),
            "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https"],
            "SCOPES": {"read": "read", "write": "write"},
        },
    )
    django.setup()


def prepare(config):
    """Tables, the person and the clients."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", verbosity=0, run_syncdb=True)
    get_user_model().objects.create_superuser("ana", password="correct-horse")
    for client in config.get("clients", []):
        add_client(client)


def add_client(client):
    from oauth2_provider.models import Application

    (grant,) = client.get("grants", ["authorization_code"])
    public = client.get("authentication") == "none"
    Application.objects.create(
        name=client["client_id"],
        client_id=client["client_id"],
        client_secret=client.get("client_secret") or "",
        client_type="public" if public else "confidential",
        authorization_grant_type=GRANTS[grant],
        redirect_uris=" ".join(client.get("redirect_uris", [])),
    )


def revoke_all():
    from oauth2_provider import models

    for model in (models.AccessToken, models.RefreshToken, models.Grant):
        model.objects.all().delete()


class Control:
    """What control.mjs does for the other server."""

    def __init__(self):
        self.changed = threading.Condition()
        self.reset()

    def reset(self):
        with self.changed:
            self.seen = {"arrived": 0, "token": [], "api": {"ok": 0, "refused": 0}}
            self.delay, self.status, self.times = 0, 0, 0

    def requests(self, arrived):
        with self.changed:
            self.changed.wait_for(lambda: self.seen["arrived"] >= arrived)
            counts = {}
            for outcome in self.seen["token"]:
                counts[outcome["grant_type"]] = counts.get(outcome["grant_type"], 0) + 1
            return {**self.seen, "by_grant": counts}

    def carry_out(self, name, query, body):
        """Whether there is such a command."""
        if name == "reset":
            self.reset()
        elif name == "delay":
            self.delay = int(query["ms"])
        elif name == "fail":
            self.status, self.times = int(query["status"]), int(query.get("times", 1))
        elif name == "revoke-all":
            revoke_all()
        elif name == "clients":
            add_client(json.loads(body))
        else:
            return False
        return True

    def watch(self, request, view):
        """Around the token endpoint: notes the request and its outcome, and fails or waits as told."""
        from django.http import HttpResponse

        with self.changed:
            seen, delay, status = self.seen, self.delay, self.status
            failing = self.times != 0
            self.times -= self.times > 0
            seen["arrived"] += 1
            self.changed.notify_all()
        if failing:
            page = "<!DOCTYPE html><title>Out of order</title><p>The server is out of order.</p>"
            response = HttpResponse(page, status=status)
        else:
            response = view(request)
        time.sleep(delay / 1000)
        with self.changed:
            seen["token"].append({**described(request), "status": response.status_code, "error": error_of(response)})
        return response


control = Control()


def described(request):
    if request.META.get("HTTP_AUTHORIZATION", "").startswith("Basic "):
        authentication = "basic"
    else:
        authentication = "body" if "client_secret" in request.POST else "none"
    return {
        "grant_type": request.POST.get("grant_type", ""),
        "authentication": authentication,
        "parameters": sorted(request.POST),
    }


def error_of(response):
    try:
        return json.loads(response.content).get("error")
    except ValueError:
        return None


def control_view(request, name):
    from django.http import Http404, JsonResponse

    if name == "requests":
        return JsonResponse(control.requests(int(request.GET.get("arrived", 0))))
    if request.method != "POST" or not control.carry_out(name, request.GET.dict(), request.body):
        raise Http404
    return JsonResponse({})


def api_view(request):
    from django.http import JsonResponse
    from oauth2_provider.oauth2_backends import get_oauthlib_core

    token = request.META.get("HTTP_AUTHORIZATION", "").startswith("Bearer ")
    valid, _ = get_oauthlib_core().verify_request(request, scopes=[])
    # The toolkit would take the token from a form as well; RFC 6750 says the header, and so does this API.
    if token and valid:
        control.seen["api"]["ok"] += 1
        return JsonResponse({"name": "Ana"})
    control.seen["api"]["refused"] += 1
    answer = JsonResponse({"error": "invalid_token"}, status=401)
    answer["WWW-Authenticate"] = 'Bearer error="invalid_token"' if token else "Bearer"
    return answer


def routes():
    from django.contrib import admin
    from django.urls import include, path
    from django.views.decorators.csrf import csrf_exempt
    from oauth2_provider.views import TokenView

    watched = csrf_exempt(lambda request: control.watch(request, TokenView.as_view()))
    return [
        path("o/token/", watched),
        path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
        path("admin/", admin.site.urls),
        path("api/me", api_view),
        path("control/<str:name>", csrf_exempt(control_view)),
    ]


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class Handler(WSGIRequestHandler):
    def address_string(self):
        return self.client_address[0]

    def log_message(self, *_):
        pass


def addresses(port):
    issuer = f"http://127.0.0.1:{port}"
    urls = {name: issuer + path for path, name in SLASHED.items()}
    return {
        "issuer": issuer,
        **urls,
        "discovery_url": None,
        "api_url": f"{issuer}/api/me",
        "control_url": f"{issuer}/control",
    }


def main():
    config = json.loads(sys.argv[1] if len(sys.argv) > 1 else "{}")
    folder = tempfile.mkdtemp(prefix="django-oauth-")
    try:
        configure(config, folder)
        prepare(config)
        globals()["urlpatterns"] = routes()
        from django.contrib.staticfiles.handlers import StaticFilesHandler
        from django.core.wsgi import get_wsgi_application

        server = Server(("127.0.0.1", config.get("port", 0)), Handler)
        server.set_app(StaticFilesHandler(get_wsgi_application()))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(json.dumps(addresses(server.server_port)), flush=True)
        sys.stdin.read()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
