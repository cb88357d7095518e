"""Judges a report of gitleaks over what plant.py planted: all five keys are found by our rule.

Usage: python gitleaks.py REPORT PLANTED, both JSON files. Prints how many it found of what; exits 1 unless it has every key.
gitleaks cannot compute a checksum, so it reports look-alikes too.
"""

import json
import sys
from pathlib import Path


def main(report, planted):
    found = {one["Secret"] for one in json.loads(report.read_text()) if one["RuleID"] == "keyward-api-key"}
    planted = json.loads(planted.read_text())
    lost = [leak for leak in planted["leaks"] if leak not in found]
    alike = sum(text in found for text in planted["look_alikes"])
    told = {"leaks": len(planted["leaks"]) - len(lost), "of": len(planted["leaks"]), "look_alikes": alike}
    print(json.dumps(told))
    return 1 if lost or told["of"] != 5 else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
