"""The whole site as one archive, to be read from the disk.

Search, explorer and figures work from `file://`. The same site gives the same
bytes.
"""

import re
import time
import zipfile
from pathlib import Path

NAME = "offline.zip"
FOLDER = "training-deep-neural-networks"
# What only a host or a machine needs.
LEFT_OUT = {NAME, "404.html", "sitemap.xml", "sitemap.xml.gz"}
LINK = re.compile(rb'<a href="[^"]*%b">[^<]*</a>' % re.escape(NAME).encode())


def pack(site: Path, epoch: int) -> None:
    """Write the archive into a built site; `epoch` dates it, in seconds."""
    date = time.gmtime(max(epoch, 315532800))[:6]  # a zip begins with 1980
    with zipfile.ZipFile(site / NAME, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(site.rglob("*")):
            name = path.relative_to(site).as_posix()
            if path.is_file() and name not in LEFT_OUT:
                entry = zipfile.ZipInfo(f"{FOLDER}/{name}", date)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                content = path.read_bytes()
                if path.suffix == ".html":  # who has the archive wants no more
                    content = LINK.sub(b"", content)
                archive.writestr(entry, content)
