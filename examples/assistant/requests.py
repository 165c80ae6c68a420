"""Write the requests of the assistant's day, honest and hostile, as JSON lines.

    python examples/assistant/requests.py > examples/assistant/requests.jsonl

One seed gives the same rows everywhere. Read next: household.py for how a row is written,
honest.py, hostile.py and malformed.py for what is in it, expected.py for what must come out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

from honest import honest_row
from hostile import hostile_row
from household import Draw, Json
from malformed import malformed_row

ROWS = 3_000
SEED = 20_310_301
KINDS = ((honest_row, 60), (hostile_row, 31), (malformed_row, 9))


def generate(rows: int, seed: int) -> Iterator[Json]:
    draw = Draw(seed)
    for _ in range(rows):
        yield draw.weighted(KINDS)(draw)


def main() -> None:
    parser = argparse.ArgumentParser(description="write the requests of the assistant's day")
    parser.add_argument("--rows", type=int, default=ROWS, help="default %(default)s")
    parser.add_argument("--seed", type=int, default=SEED, help="default %(default)s")
    options = parser.parse_args()
    for row in generate(options.rows, options.seed):
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
