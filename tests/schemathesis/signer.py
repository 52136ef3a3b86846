"""Signs whatever passes as a merchant of a sandbox, byte for byte, so that a fuzzer reaches what lies behind the door.

    python3 signer.py CARD [--port PORT]

CARD is the file that `jialing sandbox create` has written. Prints `ready URL` when it listens.
"""

import argparse
import http.client
import http.server
import json
import pathlib
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "sdk/python"))

from jialing import SigningKey  # noqa: E402
from jialing.signature import authorize  # noqa: E402

# What concerns one connection only.
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "te", "trailer", "upgrade"}


class Signer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    base = key = mchid = None

    def forward(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = [(name, value) for name, value in self.headers.items() if name.lower() not in HOP | {"authorization"}]
        target = self.base.path + self.path
        headers.append(("authorization", authorize(self.key, self.mchid, self.command, target, body)))
        platform = http.client.HTTPConnection(self.base.hostname, self.base.port, timeout=60)
        try:
            platform.putrequest(self.command, target, skip_host=False, skip_accept_encoding=True)
            for name, value in headers:
                platform.putheader(name, value.encode("latin-1"))
            if body or self.command in ("POST", "PUT", "PATCH"):
                platform.putheader("content-length", str(len(body)))
            platform.endheaders(body)
            answer = platform.getresponse()
            content = answer.read()
        finally:
            platform.close()
        self.send_response(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def __getattr__(self, name):
        # Methods that nobody has heard of pass too.
        if name.startswith("do_"):
            return self.forward
        raise AttributeError(name)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("card")
    parser.add_argument("--port", type=int, default=0)
    asked = parser.parse_args()
    card = json.loads(pathlib.Path(asked.card).read_text())
    Signer.base = urllib.parse.urlsplit(card["base_url"])
    Signer.mchid = card["merchant"]["merchant_id"]
    Signer.key = SigningKey(card["merchant"]["private_key"])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", asked.port), Signer)
    print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


main()
