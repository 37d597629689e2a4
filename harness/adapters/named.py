"""The adapter that is a Python class of the user's own: `adapter = "mine.py:MyAdapter"` in a profile."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

from harness.adapters.base import Adapter
from harness.errors import UsageError


def adapter_class(named: str) -> type[Adapter]:
    """Return the class in a file, as `mine.py:MyAdapter`.

    Raise UsageError when there is no such class or it is not a whole adapter.
    """
    file, _, name = named.rpartition(":")
    if not file or not name.isidentifier():
        raise UsageError(
            f"`adapter` is {named!r}, but must be a file and a class, such as 'mine.py:MyAdapter'."
        )
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"The adapter {named!r} is in no file: there is no {path}.")
    found = getattr(_module(path), name, None)
    if not (isinstance(found, type) and issubclass(found, Adapter)):
        raise UsageError(f"{path} has no class {name!r} that is a subclass of harness.adapters.Adapter.")
    if missing := sorted(found.__abstractmethods__):
        raise UsageError(f"The adapter {named!r} has no {', '.join(missing)}.")
    return found


def _module(path: Path) -> object:
    """Return the module in a file. Raise UsageError with what it raises."""
    name = f"harness_adapter_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"The adapter's file {path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise UsageError(
            f"The adapter's file {path} cannot be used: {type(error).__name__}: {error}."
        ) from error
    return module
