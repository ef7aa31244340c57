"""`snakemake` that checks the queue every two seconds.

Its executor waits ten seconds longer after every check, up to three minutes: right for jobs of hours.
"""

import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(lambda _: 2, lambda _, grown: None)

if __name__ == "__main__":
    sys.exit(main())
