"""Pastes texts into Python prompts; says which of them raised what.

Run as a script of its own, which imports nothing from the project. Standard
input: JSON, the files that lie in the folder by their names, and a list of
sessions, each a list of texts. Standard output: for each session a list of
[number of the text, what the prompt said].
"""

import code
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path


class Prompt(code.InteractiveConsole):
    """A prompt that remembers what it complained of."""

    def __init__(self) -> None:
        super().__init__({"__name__": "__main__", "__doc__": None})
        self.said: list[str] = []

    def write(self, data: str) -> None:
        """Keep a complaint."""
        self.said.append(data)

    def paste(self, text: str) -> str:
        """Paste a text, press Enter; return what went wrong."""
        self.said = []
        is_open = False
        for line in [*text.splitlines(), ""]:
            is_open = self.push(line)
        if is_open:
            self.said.append("still waits for more")
            self.resetbuffer()
        return "".join(self.said)


def main() -> None:
    """Run all sessions, each in a folder with nothing but the files."""
    found = []
    files, sessions = json.load(sys.stdin)
    sys.path.insert(0, "")  # as at a prompt
    for texts in sessions:
        prompt = Prompt()
        # What follows a failure would only fail because of it.
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            for name, text in files.items():
                Path(name).write_text(text, encoding="utf-8")
            with contextlib.redirect_stdout(io.StringIO()):
                said = [
                    (at, text)
                    for at, each in enumerate(texts)
                    if (text := prompt.paste(each))
                ]
            os.chdir("/")
        found.append(said)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
