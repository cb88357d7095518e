"""Writes five leaked keys and twenty look-alikes with a wrong checksum into files as people have them.

Usage: python plant.py FOLDER SEED. Prints a line of JSON: the keys and the look-alikes. Nobody has these keys: they are made from
the seed.
"""

import json
import random
import sys
import zlib
from pathlib import Path

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# In each file one key, and four look-alikes around it.
FILES = {
    ".env": "LEV_API_KEY={0}\nLEV_OLD_KEY={1}\nexport A='{2}'\nB=\"{3}\"\nC={4}\n",
    "client.py": 'import os\n\na = "{1}"\nb = dict(key="{2}")\nclient = Lev("{0}")\n# {3}\nprint(os.environ.get("K", "{4}"))\n',
    "app.js": 'const a = "{1}";\nconst lev = new Lev("{0}");\nfetch(u, {{ headers: {{ Authorization: `Bearer {2}` }} }});\n// {3}\nf(\'{4}\');\n',
    "deploy.yaml": "env:\n  - name: LEV_API_KEY\n    value: {0}\n  - name: A\n    value: '{1}'\n  - {{ name: B, value: \"{2}\" }}\nc: {3}\nd: {4}\n",
    "README.md": "# How to call it\n\n    curl -H 'Authorization: Bearer {0}' https://api.example.com\n\nNot `{1}`, \"{2}\", <{3}> or {4}.\n",
}


def checksum(text):
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = DIGITS[digit] + digits
    return digits


def key(rng):
    text = "lev_sk_" + "".join(rng.choices(DIGITS, k=43))
    return text + checksum(text)


def other(rng, character):
    return rng.choice([digit for digit in DIGITS if digit != character])


def swapped(text, at):
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def look_alikes(rng):
    """Four ways in which a text looks like a key and is none."""
    base = key(rng)
    at = rng.randrange(7, 50)
    near = next(at for at in range(20, 48) if base[at] != base[at + 1])
    body = base[7:50]
    return [
        base[:at] + other(rng, base[at]) + base[at + 1 :],
        base[:-1] + other(rng, base[-1]),
        swapped(base, near),
        # The checksum of the random characters alone, without the prefix.
        "lev_sk_" + body + checksum(body),
    ]


def main(folder, seed):
    rng = random.Random(int(seed))
    leaks, alike = [], []
    for name, text in FILES.items():
        leak, wrong = key(rng), look_alikes(rng)
        leaks.append(leak)
        alike.extend(wrong)
        (folder / name).write_text(text.format(leak, *wrong))
    print(json.dumps({"leaks": leaks, "look_alikes": alike}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
