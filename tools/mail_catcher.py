"""A real SMTP server that delivers to a folder: ``python -m tools.mail_catcher``."""

import argparse
import time
from pathlib import Path

from aiosmtpd.controller import Controller


class FolderDelivery:
    """Write every message that arrives to a file of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, _server, _session, envelope):
        """Called by aiosmtpd with a complete message."""
        path = self.folder / f"{time.time_ns()}.eml"
        partial = path.with_suffix(".part")
        partial.write_bytes(envelope.content)
        partial.rename(path)
        return "250 Delivered to a folder"


def catcher(folder: Path, port: int) -> Controller:
    """:return: a server on 127.0.0.1, to be started and stopped by the caller"""
    return Controller(FolderDelivery(folder), hostname="127.0.0.1", port=port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    catcher(arguments.folder, arguments.port).start()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
