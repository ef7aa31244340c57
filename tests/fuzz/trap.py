"""What a pickle may name and must never run."""

sprung: list[str] = []


def spring(*_: object) -> str:
    """Remembers that it was called."""
    sprung.append("called")
    return "ran"


class Trap:
    """Remembers that it was made or filled."""

    def __new__(cls, *_: object):
        spring()
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        spring()
