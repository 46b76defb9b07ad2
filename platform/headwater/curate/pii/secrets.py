"""Keys, tokens and passwords: told by their issuer's prefix, by their frame, or by the name before them."""

from __future__ import annotations

import re

from headwater.curate.pii.findings import Finding

MIN_TOKEN = 16
MAX_KEY_BLOCK = 20_000
_BEGIN, _END = "-----BEGIN ", "-----END "
_BLOCK_NAME = re.compile(r"((?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?)-----")
KEY_LITERAL = "PRIVATE KEY"

# Short ones, of which some have no digit: texts that hold one of these are searched for them.
_AWS_PREFIXES = ("AKIA", "ASIA", "AGPA", "AIDA", "AROA", "ANPA", "ANVA", "AIPA")
SHORT_LITERALS = (*_AWS_PREFIXES, "glpat-", "k_live_")
_SHORT = re.compile(
    rf"(?P<aws_key_id>(?<![A-Z0-9])(?:{'|'.join(_AWS_PREFIXES)})[A-Z2-7]{{16}}(?![A-Z0-9]))"
    r"|(?<![A-Za-z0-9_-])(?:(?P<gitlab_token>glpat-[A-Za-z0-9_-]{20,255})|(?P<stripe_key>[rs]k_live_[A-Za-z0-9]{16,255}))"
)
_LITERAL = re.compile(rf"{_BEGIN}|{_SHORT.pattern}")

# Issuer, first two characters (all that begin so are looked at), pattern. Sources: the issuers' documentation
# of their token formats. They hold a digit, which the kernel asks for, with odds of more than 99 to 1.
_ISSUED = (
    ("github_token", "gh", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    ("github_token", "gi", r"github_pat_[A-Za-z0-9_]{60,255}"),
    ("gitlab_token", "gl", r"gl(?:dt|rt|cbt|ptt|ft|imt|agent|soat)-[A-Za-z0-9_-]{20,255}"),
    ("slack_token", "xo", r"xox[abeoprs]-[A-Za-z0-9-]{10,255}"),
    ("slack_token", "xa", r"xapp-[0-9]-[A-Za-z0-9-]{10,255}"),
    ("google_api_key", "AI", r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    ("google_oauth", "GO", r"GOCSPX-[A-Za-z0-9_-]{28}"),
    ("google_oauth", "ya", r"ya29\.[A-Za-z0-9_-]{20,1024}"),
    ("stripe_key", "wh", r"whsec_[A-Za-z0-9]{24,255}"),
    ("openai_key", "sk", r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,255}"),
    ("openai_key", "sk", r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    ("anthropic_key", "sk", r"sk-ant-[A-Za-z0-9_-]{20,255}"),
    ("hugging_face_token", "hf", r"hf_[A-Za-z0-9]{34,64}(?![A-Za-z0-9_])"),
    ("pypi_token", "py", r"pypi-[A-Za-z0-9_-]{50,1024}"),
    ("npm_token", "np", r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9_])"),
    ("docker_token", "dc", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,64}"),
    ("rubygems_key", "ru", r"rubygems_[a-f0-9]{48}"),
    ("sendgrid_key", "SG", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    ("brevo_key", "xk", r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    ("twilio_key", "SK", r"SK[0-9a-f]{32}(?![A-Za-z0-9_-])"),
    ("shopify_token", "sh", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    ("digitalocean_token", "do", r"do[opr]_v1_[a-f0-9]{64}"),
    ("grafana_token", "gl", r"gl(?:sa|c)_[A-Za-z0-9+/=_]{32,255}"),
    ("databricks_token", "da", r"dapi[a-f0-9]{32}(?![A-Za-z0-9])"),
    ("vault_token", "hv", r"hv[sbr]\.[A-Za-z0-9_-]{24,255}"),
    ("new_relic_key", "NR", r"NRAK-[A-Z0-9]{27}"),
    ("postman_key", "PM", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    ("linear_key", "li", r"lin_api_[A-Za-z0-9]{40}"),
    ("figma_token", "fi", r"figd_[A-Za-z0-9_-]{40,64}"),
    ("square_token", "sq", r"sq0(?:atp|csp)-[A-Za-z0-9_-]{22,64}"),
    ("age_key", "AG", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    ("alibaba_key", "LT", r"LTAI[A-Za-z0-9]{12,30}(?![A-Za-z0-9_-])"),
    ("jwt", "ey", r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
)
PREFIXES = tuple(sorted({prefix for _, prefix, _ in _ISSUED}))
_BY_PREFIX = {
    prefix: tuple((label, re.compile(pattern)) for label, first, pattern in _ISSUED if first == prefix)
    for prefix in PREFIXES
}

_NAME = re.compile(
    r"(?:secret|passw(?:or)?d|passwort|pwd|passphrase|contraseña|senha|(?<![a-z])pass"
    r"|(?:api|access|private|auth|account|encryption|signing|master|shared|service|secret)[ _-]?key"
    r"|(?:auth|access|api|bearer|oauth|refresh|personal[ _-]access|private|bot)[ _-]?token|(?<![a-z_-])token"
    r"|authorization)s?$"
)
_ENDINGS = "secret password passwd passwort pwd passphrase contraseña senha pass key token authorization"
_NAME_ENDS = tuple(name + plural for name in _ENDINGS.split() for plural in ("", "s"))
_AROUND_NAME = " \t\"'`"
_VALUE = re.compile(
    r"[>=]?[ \t]{0,3}(?:(?P<quote>[\"'`])|(?:Bearer|Basic|token)[ \t]{1,3})?"
    r"(?P<value>[^\s\"'`<>{}()\[\],;]{8,512})(?(quote)(?P=quote)|(?=[\s\"'`<,;)\]}]|$))",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"example|sample|placeholder|change.?me|your|dummy|redacted|password|secret|xxx|\*\*\*|\.\.\.|\$|%|#\{|://|::|^arn:"
    r"|^[./~]|^[0-9.:+-]+$|^(?:[0-9A-Fa-f]{2}[:-]){3}|_\d+$|\d{4}-\d\d-\d\d",
    re.IGNORECASE,
)
_SEQUENCE = re.compile(r"123456|abcdef|qwerty", re.IGNORECASE)
"""Tells a placeholder among short values; a long random one may hold it by chance."""
_FEW = 24
_CODE = re.compile(r"^[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+$")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_STRONG = tuple(ending for ending in _NAME_ENDS if not ending.startswith(("key", "token", "authorization")))
MIN_KEY = 16
MIN_DISTINCT = 6
NAME_REACH = 32
MAX_AROUND_NAME = 5
"""Spaces and quotation marks between the name and the `:` or `=`."""

_LINK_PASSWORD = re.compile(
    r"[a-z][a-z0-9+.-]{1,30}://[^\s/@:]{0,64}:(?P<password>[^\s/@]{6,128})$", re.IGNORECASE
)
_HOST = re.compile(r"[A-Za-z0-9_.\-\x80-\U0010ffff]")
_LINK_REACH = 256
_LONGEST_SCHEME = 32


def literals(text: str) -> list[int]:
    """Where the frame of a private key or a short token begins."""
    return [found.start() for found in _LITERAL.finditer(text)]


def literal_at(text: str, start: int) -> Finding | None:
    """The private key, frame included, or the short token that begins here."""
    if (short := _SHORT.match(text, start)) is not None and short.lastgroup is not None:
        return _unless_example(text, start, short.end(), short.lastgroup)
    name = _BLOCK_NAME.match(text, start + len(_BEGIN))
    if name is None:
        return None
    closing = f"{_END}{name.group(1)}-----"
    end = text.find(closing, name.end(), name.end() + MAX_KEY_BLOCK)
    if end < name.end() + 20 or text.find(_BEGIN, name.end(), end) >= 0:
        return None
    return _unless_example(text, start, end + len(closing), "private_key")


def token_at(text: str, start: int) -> Finding | None:
    """The token with an issuer's prefix that begins here."""
    for label, pattern in _BY_PREFIX.get(text[start : start + 2], ()):
        found = pattern.match(text, start)
        if found is not None and any(map(str.isdigit, found.group())):
            return _unless_example(text, start, found.end(), label)
    return None


def named_value_at(text: str, separator: int) -> Finding | None:
    """The value of `password: …`, `"api_key" = "…"` and the like.

    It has letters and digits, and is no placeholder, path, reference or expression.
    """
    before = text[max(0, separator - NAME_REACH) : separator]
    name = before.rstrip(_AROUND_NAME).lower()
    if (
        len(before) - len(name) > MAX_AROUND_NAME
        or not name.endswith(_NAME_ENDS)
        or _NAME.search(name) is None
    ):
        return None
    found = _VALUE.match(text, separator + 1)
    if found is None:
        return None
    value = found["value"]
    strong = name.endswith(_STRONG)
    if len(value) < MIN_KEY and not strong:
        return None
    if len(set(value)) < MIN_DISTINCT or not _mixed(value) or _PLACEHOLDER.search(value):
        return None
    if len(value) < _FEW and _SEQUENCE.search(value):
        return None
    if _CODE.match(value) or (not strong and _UUID.fullmatch(value)):
        return None
    return Finding(found.start("value"), found.end("value"), "secret", "named_secret")


def link_password_before(text: str, at: int) -> Finding | None:
    """The password of `scheme://user:password@host`, given the place of the @.

    Not what examples write there, words such as `pass` or `tiger`: it has six characters or more, and not
    small letters alone.
    """
    slashes = text.rfind("://", max(0, at - _LINK_REACH), at)
    found = _LINK_PASSWORD.search(text, max(0, slashes - _LONGEST_SCHEME), at) if slashes >= 0 else None
    if found is None or _HOST.match(text, at + 1) is None:
        return None
    password = found["password"]
    if (password.isalpha() and password.islower()) or _PLACEHOLDER.search(password):
        return None
    return Finding(found.start("password"), found.end("password"), "secret", "link_password")


def _mixed(value: str) -> bool:
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value))


def _unless_example(text: str, start: int, end: int, label: str) -> Finding | None:
    return None if "EXAMPLE" in text[start:end] else Finding(start, end, "secret", label)
