"""What can go wrong between a client and the platform: it said no, no answer came, or one came that cannot be
believed. Decide by `code`; its text never changes."""


class JialingError(Exception):
    """Any of them."""


class Problem(JialingError):
    """The platform said no: its own account of what went wrong, RFC 9457."""

    def __init__(self, body, signed, asked):
        super().__init__(f"{body.get('title')} ({body['code']}): {body.get('detail')} [{asked}, {body.get('request_id')}]")
        # All members, those of the code included.
        self.body = body
        self.code = body["code"]
        self.status = body.get("status")
        self.field = body.get("field")
        self.request_id = body.get("request_id")
        self.retryable = bool(body.get("retryable"))
        # Seconds the service asks to wait, if it does.
        self.retry_after = body.get("retry_after")
        # Whether the platform's signature was on it. Problems with the request's own signature come without.
        self.signed = signed


class OutcomeUnknown(JialingError):
    """No answer came, in spite of repeating: the work may or may not have been done. Query it; never assume."""

    def __init__(self, asked, why):
        super().__init__(f"no answer to {asked}: {why}. The outcome is unknown; query it, or send the same again under the same number")
        self.asked = asked


class Unacceptable(JialingError):
    """An answer came that cannot be believed: unsigned, wrongly signed, or not of the documented shape."""

    def __init__(self, asked, why):
        super().__init__(f"the answer to {asked} cannot be accepted: {why}")
        self.asked = asked
        self.why = why
