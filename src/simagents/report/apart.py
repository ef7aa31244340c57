"""Whether a copy's numbers may be compared with published ones."""


def apart(scale: str, data: str) -> str:
    """What sets it apart from the papers' experiments, as `Scale: demo`; nothing at their scale on their data."""
    if scale != "paper":
        return f"Scale: {scale}"
    return "" if data == "womd" else f"Data: {data}"
