"""An issuer of workflow tokens: a real HTTP server with real keys, as GitHub's is."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

AUDIENCE = "https://ratchet.example"


class Issuer:
    """Publishes its keys and signs. `asked` holds every request's path and headers; `away` answers 500."""

    def __init__(self):
        self.keys, self.asked, self.away, self.elsewhere = {}, [], False, ""
        self.rotate("one")
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append((self.path, dict(self.headers)))
                found = None if issuer.away else issuer.page(self.path)
                self.send_response(500 if found is None else 200)
                self.end_headers()
                self.wfile.write(json.dumps(found or {}).encode())

            def log_message(self, *_):
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def page(self, path):
        if path.endswith("/openid-configuration"):
            return {"issuer": self.url, "jwks_uri": f"{self.elsewhere or self.url}/jwks"}
        return {"keys": [self._published(kid) for kid in self.keys]}

    def _published(self, kid):
        public = json.loads(RSAAlgorithm.to_jwk(self.keys[kid].public_key()))
        return {**public, "kid": kid, "use": "sig", "alg": "RS256"}

    def rotate(self, kid):
        """Another key, and no longer the one before."""
        self.keys = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    def claims(self, **changes):
        """What GitHub says of a workflow of our repository."""
        now = int(time.time())
        ref = "octo/models/.github/workflows/retrain.yml@refs/heads/main"
        said = {
            "iss": self.url, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 300, "sub": "repo:octo/models",
            "repository": "octo/models", "workflow_ref": ref, "job_workflow_ref": ref, "actor": "alice",
            "actor_id": "583231", "ref": "refs/heads/main", "event_name": "workflow_dispatch",
        }  # fmt: skip
        return {name: value for name, value in {**said, **changes}.items() if value is not None}

    def token(self, kid=None, key=None, algorithm="RS256", **changes):
        """A token with these claims."""
        kid = kid or next(iter(self.keys))
        return jwt.encode(self.claims(**changes), key or self.keys[kid], algorithm=algorithm, headers={"kid": kid})

    def close(self):
        self._server.shutdown()
        self._server.server_close()
