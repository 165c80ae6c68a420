"""From `benches/`: ``python -m workloads`` and ``list``, ``export NAME DIR``, ``record``, …"""

from __future__ import annotations

import argparse
from pathlib import Path

from workloads.export import export
from workloads.registry import WORKLOADS, build


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workloads", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="print the names of the workloads")
    writer = commands.add_parser("export", help="write one workload to files, as export.py says")
    writer.add_argument("name", choices=WORKLOADS, metavar="NAME")
    writer.add_argument("directory", type=Path, metavar="DIR")
    commands.add_parser("record", help="decide w1 to w4 with cedarpy and write expected.json")
    commands.add_parser("record-w5", help="decide w5 with cedarpy and write w5/expected.json")
    commands.add_parser("record-history", help="record a history anew and write history.json")
    given = parser.parse_args()
    if given.command == "list":
        print("\n".join(WORKLOADS))
    elif given.command == "export":
        export(build(given.name), given.directory)
    elif given.command == "record":
        from workloads.record import record

        record()
    elif given.command == "record-history":
        from workloads import history

        history.record()
    else:
        from workloads.record import record_grants

        record_grants()


main()
