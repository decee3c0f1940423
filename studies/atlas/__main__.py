"""`python -m studies.atlas`: run what is missing, then write the table."""

import argparse
import sys

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from studies.atlas.grid import grid
from studies.atlas.sweep import SweepError, collect, others, run_here, run_on


def main(arguments: list[str]) -> str | None:
    """Run the sweep; returns a message when it ends early."""
    parser = argparse.ArgumentParser("make atlas", description=__doc__)
    parser.add_argument(
        "--scheduler", help="of a Dask cluster: tcp://host:8786"
    )
    parser.add_argument(
        "--collect", action="store_true", help="only write the table"
    )
    options = parser.parse_args(arguments)
    cells, judged = grid(), others()
    error = None
    columns = (
        BarColumn(), MofNCompleteColumn(), TextColumn("cells"),
        TimeRemainingColumn(),
    )  # fmt: skip
    try:
        if not options.collect:
            with Progress(*columns) as progress:
                bar = progress.add_task("", total=len(cells) + len(judged))

                def done() -> None:
                    progress.advance(bar)

                if options.scheduler:
                    run_on(options.scheduler, [*cells, *judged], done)
                else:
                    run_here([*cells, *judged], done)
    except KeyboardInterrupt:
        error = "stopped; `make atlas` goes on from here"
    except (SweepError, OSError) as problem:
        error = str(problem)
    try:
        whole, runs = collect(cells)
        print(f"{whole} of {len(cells)} cells, {runs} runs")
    except SweepError as problem:
        error = error or str(problem)
    return error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
