r"""Keyward API keys, for detect-secrets 1.5: found by their form, and told from look-alikes by their checksum.

    detect-secrets scan --plugin detect_secrets_keyward.py \
        --disable-filter detect_secrets.filters.heuristic.is_indirect_reference

That filter skips every line of the form `a = b(c)` before any plugin sees it, and `client = Lev("lev_sk_...")` is one.
"""

import re
import zlib

from detect_secrets.plugins.base import RegexBasedDetector

# What every key begins with: `[keys] prefix` of the server's configuration.
PREFIX = "lev_sk_"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def checksum(text):
    """The CRC-32 of a text in base62: six digits, the most significant first."""
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = DIGITS[digit] + digits
    return digits


class KeywardKeyDetector(RegexBasedDetector):
    """Scans for API keys of Keyward."""

    secret_type = "Keyward API key"
    denylist = (re.compile(rf"\b{PREFIX}[0-9A-Za-z]{{49}}\b"),)

    def analyze_string(self, string):
        for key in super().analyze_string(string):
            if checksum(key[:-6]) == key[-6:]:
                yield key
