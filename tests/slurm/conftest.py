"""One private Slurm for all tests, and an undisturbed workflow to compare with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm.cluster import Cluster
from slurm.repository import Repository

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """These need root and a quarter of an hour: they run only when a path names them."""
    paths = [Path(word.split("::")[0]).resolve() for word in config.args]
    if any(path.is_relative_to(HERE) for path in paths):
        return
    others = [item for item in items if not item.path.is_relative_to(HERE)]
    config.hook.pytest_deselected(items=[item for item in items if item not in others])
    items[:] = others


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with Cluster() as running:
        yield running


@pytest.fixture(scope="session")
def reference(cluster, tmp_path_factory) -> Repository:
    """The finished workflow."""
    repository = Repository.clone(tmp_path_factory.mktemp("reference") / "repository", cluster)
    repository.run()
    return repository


@pytest.fixture
def prepared(reference, tmp_path) -> Iterator[Repository]:
    """The same before its last run was trained and everything after that run was computed."""
    repository = reference.copy(tmp_path / "repository")
    repository.forget_last_run()
    yield repository
    repository.stop()
