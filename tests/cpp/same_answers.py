"""Compares what the two programs of same_source.cc printed: same_answers.py THEIRS OURS

Lines have to be equal word for word. Only numbers with a decimal point may differ, by 0.0015: both
are rounded to three places, and the two libraries add floats in different orders.
"""
import re
import sys

NUMBER = re.compile(r"-?\d+\.\d+")


def alike(a, b):
    if a == b:
        return True
    if NUMBER.sub("#", a) != NUMBER.sub("#", b):
        return False
    pairs = zip(NUMBER.findall(a), NUMBER.findall(b))
    return all(abs(float(x) - float(y)) < 0.0015 for x, y in pairs)


def main():
    theirs, ours = (open(path).read().splitlines() for path in sys.argv[1:3])
    different = [i for i, (a, b) in enumerate(zip(theirs, ours)) if not alike(a, b)]
    for i in different[:10]:
        print(f"line {i + 1}\n  Annoy: {theirs[i][:300]}\n  ours:  {ours[i][:300]}")
    print(f"{len(theirs)} lines from Annoy, {len(ours)} from ours, {len(different)} different")
    return 1 if different or len(theirs) != len(ours) or not theirs else 0


sys.exit(main())
