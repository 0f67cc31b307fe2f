"""Reads one CVSS vector per line, writes `base<TAB>threat<TAB>environmental` in tenths (`-` where not defined)."""
import sys

from cvss import CVSS2, CVSS3, CVSS4


def tenths(score):
    return "-" if score is None else str(round(float(score) * 10))


for line in sys.stdin:
    vector = line.strip()
    try:
        if vector.startswith("CVSS:4"):
            base = "/".join(vector.split("/")[:12])
            print(tenths(CVSS4(base).base_score), "-", tenths(CVSS4(vector).base_score), sep="\t")
        else:
            scores = (CVSS3 if vector.startswith("CVSS:3") else CVSS2)(vector).scores()
            print(*map(tenths, scores), sep="\t")
    except Exception as error:  # the test shows what the other side refuses
        print("error", type(error).__name__, error, sep="\t")
