"""Scans a folder with our patterns for scanners: detect-secrets with the plugin, TruffleHog's and gitleaks' regular expressions.

Usage: python scan.py PATTERNS FOLDER. Prints a line of JSON: what each of them found.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml


def detect_secrets(plugin, folder):
    """As its users run it. Its other plugins may have a say of their own about a text; theirs is not ours."""
    scan = [sys.executable, "-m", "detect_secrets", "scan", "--all-files", "--no-verify", "--plugin", str(plugin)]
    scan += ["--disable-filter", "detect_secrets.filters.heuristic.is_indirect_reference", "."]
    done = subprocess.run(scan, cwd=folder, capture_output=True, text=True, timeout=300, check=True)
    found = json.loads(done.stdout)["results"].values()
    lines = [(one["filename"], one["line_number"]) for of_file in found for one in of_file if one["type"] == "Keyward API key"]
    # It reports hashes; the line tells what was found.
    return [(folder / name).read_text().splitlines()[number - 1] for name, number in lines]


def matches(expression, folder):
    texts = [path.read_text() for path in sorted(folder.iterdir())]
    return [match.group(match.lastindex or 0) for text in texts for match in re.finditer(expression, text)]


def main(patterns, folder):
    rule = next(rule for rule in tomllib.loads((patterns / "gitleaks.toml").read_text())["rules"])
    [detector] = yaml.safe_load((patterns / "trufflehog.yaml").read_text())["detectors"]
    found = {
        "detect_secrets": detect_secrets(patterns / "detect_secrets_keyward.py", folder),
        "trufflehog": matches(detector["regex"]["key"], folder),
        "gitleaks": matches(rule["regex"], folder),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
