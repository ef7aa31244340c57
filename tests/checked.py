"""While tests run, every function of the package holds its arguments and results to its annotations.

jaxtyping's own import hook wraps and compiles the checks of all functions when a module loads, which
takes 15 seconds in each process of the test run, and of functions within functions at every call of
the outer one. Here a check is compiled at the first call, shapes are tracked only where a function
names some, and functions within functions are left alone.
"""

import inspect
import sys
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import cached_property, wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import FunctionType, ModuleType
from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray, jaxtyped


def check_package(name: str) -> None:
    """Modules of the package that are imported from now on are checked."""
    sys.meta_path.insert(0, _Finder(name))


class _Finder(MetaPathFinder):
    def __init__(self, package: str):
        self.package = package

    def find_spec(self, fullname: str, path=None, target=None) -> ModuleSpec | None:
        if fullname.partition(".")[0] != self.package:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        check_module(module)


def check_module(module: ModuleType) -> None:
    """Replace functions and methods, also where a mapping of the module already has them."""
    checks: dict[int, Callable] = {}
    for name, value in list(vars(module).items()):
        if isinstance(value, FunctionType) and _is_of(module, value):
            checks[id(value)] = _checked(value)
            setattr(module, name, checks[id(value)])
        elif isinstance(value, type) and value.__module__ == module.__name__:
            _check_class(value, module)
    for value in list(vars(module).values()):
        if isinstance(value, dict) and value is not vars(module):
            value.update({k: checks[id(v)] for k, v in value.items() if id(v) in checks})


def _check_class(of: type, module: ModuleType) -> None:
    for name, value in list(vars(of).items()):
        if isinstance(value, FunctionType):
            if _is_of(module, value) or (name == "__init__" and is_dataclass(of)):
                setattr(of, name, _checked(value))
        elif isinstance(value, (staticmethod, classmethod)):
            if _is_of(module, value.__func__):
                setattr(of, name, type(value)(_checked(value.__func__)))
        elif isinstance(value, property):
            if _is_of(module, value.fget):
                setattr(of, name, property(_checked(value.fget), value.fset, value.fdel))
        elif isinstance(value, cached_property):
            value.func = _checked(value.func)
        elif isinstance(value, type) and value.__qualname__ == f"{of.__qualname__}.{name}":
            _check_class(value, module)


def _is_of(module: ModuleType, function: Callable) -> bool:
    """Whether it is written in that module, rather than imported or generated."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and code.co_filename == module.__file__


def _checked(function: Callable) -> Callable:
    """The function with its checks; itself where it declares nothing."""
    inner = inspect.unwrap(function)
    # What @contextmanager returns is not what the generator in it declares.
    manages = inner is not function and inspect.isgeneratorfunction(inner)
    if manages or not inner.__annotations__:
        return function
    shapes = any(map(_has_shape, inner.__annotations__.values()))
    compiled = None

    @wraps(function)
    def check(*args: Any, **kwargs: Any) -> Any:
        nonlocal compiled
        if compiled is None:
            compiled = jaxtyped(function, typechecker=beartype) if shapes else beartype(function)
        return compiled(*args, **kwargs)

    return check


def _has_shape(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, AbstractArray):
        return True
    parts = annotation if isinstance(annotation, list) else get_args(annotation)
    return any(map(_has_shape, parts))
